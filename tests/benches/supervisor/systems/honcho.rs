use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::Signal;

use super::{Rivals, Run, System, end, no_such_command, spawn};
use crate::patience::Step;

pub(crate) struct Honcho(pub(crate) Rivals);

struct HonchoRun {
    rivals: Rivals,
    directory: PathBuf,
    daemon: Option<Child>,
}

impl System for Honcho {
    fn name(&self) -> &'static str {
        "honcho"
    }

    fn is_installed(&self) -> bool {
        self.0.have("honcho")
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let mut text = String::new();
        for number in 0..count {
            writeln!(text, "n{number:03}: exec {}", child.join(" ")).expect("a string grows");
        }
        fs::write(directory.join("Procfile"), text).expect("the configuration is written");
        Box::new(HonchoRun { rivals: self.0.clone(), directory: directory.to_owned(), daemon: None })
    }
}

impl Run for HonchoRun {
    fn start_cold(&mut self) -> Step {
        let mut command = self.rivals.command(&self.directory, "honcho");
        spawn(command.arg("start"), &mut self.daemon)
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn restarts(&self) -> bool {
        false
    }

    fn status(&mut self) -> Step {
        no_such_command()
    }

    fn stop_all(&mut self) -> Step {
        end(&mut self.daemon, Signal::TERM)
    }

    fn start_all(&mut self) -> Step {
        no_such_command()
    }

    fn end(&mut self) -> Step {
        Ok(())
    }
}
