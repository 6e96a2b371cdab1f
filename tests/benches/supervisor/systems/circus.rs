use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::Signal;

use super::{Rivals, Run, System, end, spawn};
use crate::patience::{Step, succeed};

pub(crate) struct Circus(pub(crate) Rivals);

struct CircusRun {
    rivals: Rivals,
    directory: PathBuf,
    daemon: Option<Child>,
}

impl System for Circus {
    fn name(&self) -> &'static str {
        "circus"
    }

    fn is_installed(&self) -> bool {
        self.0.have("circusd")
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let shown = directory.display();
        let mut text =
            format!("[circus]\nendpoint=ipc://{shown}/ctl\npubsub_endpoint=ipc://{shown}/pub\nstatsd=False\n");
        for number in 0..count {
            let command = child.join(" ");
            writeln!(text, "[watcher:n{number:03}]\ncmd={command}\nnumprocesses=1\ncopy_env=True")
                .expect("a string grows");
        }
        fs::write(directory.join("circus.ini"), text).expect("the configuration is written");
        Box::new(CircusRun { rivals: self.0.clone(), directory: directory.to_owned(), daemon: None })
    }
}

impl CircusRun {
    fn control(&self, arguments: &[&str]) -> Step {
        let endpoint = format!("ipc://{}/ctl", self.directory.display());
        let mut command = self.rivals.command(&self.directory, "circusctl");
        succeed(command.args(["--endpoint", &endpoint, "--timeout", "60"]).args(arguments))
    }
}

impl Run for CircusRun {
    fn start_cold(&mut self) -> Step {
        let mut command = self.rivals.command(&self.directory, "circusd");
        spawn(command.arg("circus.ini"), &mut self.daemon)
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn status(&mut self) -> Step {
        self.control(&["status"])
    }

    fn stop_all(&mut self) -> Step {
        self.control(&["stop", "--waiting"])
    }

    fn start_all(&mut self) -> Step {
        self.control(&["start"])
    }

    fn end(&mut self) -> Step {
        end(&mut self.daemon, Signal::TERM)
    }
}
