use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::Signal;

use super::{Rivals, Run, System, end, spawn};
use crate::patience::{Step, succeed};

pub(crate) struct Runit(pub(crate) Rivals);

struct RunitRun {
    rivals: Rivals,
    directory: PathBuf,
    services: Vec<PathBuf>,
    daemon: Option<Child>,
}

impl System for Runit {
    fn name(&self) -> &'static str {
        "runit"
    }

    fn is_installed(&self) -> bool {
        self.0.have("runsvdir")
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let services = service_directories(directory, child, count);
        Box::new(RunitRun { rivals: self.0.clone(), directory: directory.to_owned(), services, daemon: None })
    }
}

/// One directory a service, with a script `run`, as runit and s6 want it.
pub(super) fn service_directories(directory: &Path, child: &[String], count: usize) -> Vec<PathBuf> {
    let make = |number: usize| {
        let service = directory.join(format!("services/n{number:03}"));
        fs::create_dir_all(&service).expect("the directory is made");
        let run = service.join("run");
        fs::write(&run, format!("#!/bin/sh\nexec {}\n", child.join(" "))).expect("the script is written");
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("it is ours");
        service
    };
    (0..count).map(make).collect()
}

impl RunitRun {
    fn sv(&self, arguments: &[&str]) -> Step {
        succeed(self.rivals.command(&self.directory, "sv").args(arguments).args(&self.services))
    }
}

impl Run for RunitRun {
    fn start_cold(&mut self) -> Step {
        let mut command = self.rivals.command(&self.directory, "runsvdir");
        spawn(command.arg(self.directory.join("services")), &mut self.daemon)
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn status(&mut self) -> Step {
        self.sv(&["status"])
    }

    fn stop_all(&mut self) -> Step {
        self.sv(&["-w", "20", "down"])
    }

    fn start_all(&mut self) -> Step {
        self.sv(&["up"])
    }

    fn end(&mut self) -> Step {
        // SIGHUP ends the services too.
        end(&mut self.daemon, Signal::HUP)
    }
}
