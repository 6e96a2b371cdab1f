use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Rivals, Run, System, end, spawn};
use crate::patience::{Step, succeed};

/// How long its daemon may take to answer.
const GETTING_UP: Duration = Duration::from_secs(10);

pub(crate) struct Pueue(pub(crate) Rivals);

struct PueueRun {
    rivals: Rivals,
    directory: PathBuf,
    child: Vec<String>,
    count: usize,
    daemon: Option<Child>,
}

impl System for Pueue {
    fn name(&self) -> &'static str {
        "pueue"
    }

    fn is_installed(&self) -> bool {
        self.0.have("pueued")
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let shown = directory.display();
        let text = format!(
            "shared:\n  pueue_directory: {shown}/data\n  runtime_directory: {shown}/run\n  use_unix_socket: true\n  \
             unix_socket_path: {shown}/sock\nclient: {{}}\ndaemon: {{}}\n"
        );
        fs::create_dir(directory.join("run")).expect("the directory is made");
        fs::write(directory.join("pueue.yml"), text).expect("the configuration is written");
        let (rivals, directory, child) = (self.0.clone(), directory.to_owned(), child.to_vec());
        Box::new(PueueRun { rivals, directory, child, count, daemon: None })
    }
}

impl PueueRun {
    fn command(&self, program: &str) -> Command {
        let mut command = self.rivals.command(&self.directory, program);
        command.args(["-c", "pueue.yml"]);
        command
    }

    fn pueue(&self, arguments: &[&str]) -> Step {
        succeed(self.command("pueue").args(arguments))
    }
}

impl Run for PueueRun {
    /// It keeps no list of what should run: the tasks are added one by one.
    fn start_cold(&mut self) -> Step {
        spawn(&mut self.command("pueued"), &mut self.daemon)?;
        let deadline = Instant::now() + GETTING_UP;
        while let Err(error) = self.pueue(&["status"]) {
            if Instant::now() > deadline {
                return Err(error);
            }
        }
        self.pueue(&["parallel", &self.count.to_string()])?;
        let script = format!(
            "for number in $(seq {}); do pueue -c pueue.yml add -- exec {}; done",
            self.count,
            self.child.join(" ")
        );
        succeed(self.rivals.command(&self.directory, "sh").args(["-c", &script]))
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn restarts(&self) -> bool {
        false
    }

    fn status(&mut self) -> Step {
        self.pueue(&["status", "--json"])
    }

    fn stop_all(&mut self) -> Step {
        self.pueue(&["kill", "--all"])
    }

    fn start_all(&mut self) -> Step {
        self.pueue(&["start"])?;
        self.pueue(&["restart", "--all-failed", "--in-place"])
    }

    fn end(&mut self) -> Step {
        end(&mut self.daemon, Signal::TERM)
    }
}
