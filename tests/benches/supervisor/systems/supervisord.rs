use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::Signal;

use super::{Rivals, Run, System, end, spawn};
use crate::patience::{Step, succeed};

pub(crate) struct Supervisord(pub(crate) Rivals);

struct SupervisordRun {
    rivals: Rivals,
    directory: PathBuf,
    daemon: Option<Child>,
}

impl System for Supervisord {
    fn name(&self) -> &'static str {
        "supervisord"
    }

    fn is_installed(&self) -> bool {
        self.0.have("supervisord")
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let shown = directory.display();
        let text = format!(
            "[supervisord]\nnodaemon=true\nlogfile={shown}/log\npidfile={shown}/pid\nchildlogdir={shown}\n\
             [unix_http_server]\nfile={shown}/sock\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisorctl]\nserverurl=unix://{shown}/sock\n\
             [program:s]\ncommand={}\nnumprocs={count}\nprocess_name=%(program_name)s_%(process_num)03d\nautorestart=true\n",
            child.join(" ")
        );
        fs::write(directory.join("supervisord.conf"), text).expect("the configuration is written");
        Box::new(SupervisordRun { rivals: self.0.clone(), directory: directory.to_owned(), daemon: None })
    }
}

impl SupervisordRun {
    fn control(&self, arguments: &[&str]) -> Step {
        let mut command = self.rivals.command(&self.directory, "supervisorctl");
        succeed(command.args(["-c", "supervisord.conf"]).args(arguments))
    }
}

impl Run for SupervisordRun {
    fn start_cold(&mut self) -> Step {
        let mut command = self.rivals.command(&self.directory, "supervisord");
        spawn(command.args(["-c", "supervisord.conf"]), &mut self.daemon)
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn status(&mut self) -> Step {
        self.control(&["status"])
    }

    fn stop_all(&mut self) -> Step {
        self.control(&["stop", "all"])
    }

    fn start_all(&mut self) -> Step {
        self.control(&["start", "all"])
    }

    fn end(&mut self) -> Step {
        end(&mut self.daemon, Signal::TERM)
    }
}
