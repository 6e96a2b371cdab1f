use std::path::{Path, PathBuf};
use std::process::Child;

use super::runit::service_directories;
use rustix::process::Signal;

use super::{Rivals, Run, System, end, spawn};
use crate::patience::{Step, succeed};

pub(crate) struct S6(pub(crate) Rivals);

struct S6Run {
    rivals: Rivals,
    directory: PathBuf,
    services: Vec<PathBuf>,
    daemon: Option<Child>,
}

impl System for S6 {
    fn name(&self) -> &'static str {
        "s6"
    }

    /// Debian's build looks for its parts in /usr/bin alone; showing them there takes a mount of our own.
    fn is_installed(&self) -> bool {
        self.0.have("s6-svscan") && nix::unistd::geteuid().is_root()
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let services = service_directories(directory, child, count);
        Box::new(S6Run { rivals: self.0.clone(), directory: directory.to_owned(), services, daemon: None })
    }
}

impl S6Run {
    /// The tools take one service each, so "all" is one call a service, in one shell.
    fn each(&self, call: &str) -> Step {
        let script = format!("for service; do {call} \"$service\"; done");
        succeed(self.rivals.command(&self.directory, "sh").args(["-c", &script, "each"]).args(&self.services))
    }
}

impl Run for S6Run {
    fn start_cold(&mut self) -> Step {
        let parts = self.rivals.path("root/usr/bin");
        let script = format!(
            "mount -t overlay overlay -o lowerdir={}:/usr/bin /usr/bin && exec s6-svscan {}/services",
            parts.display(),
            self.directory.display()
        );
        let mut command = self.rivals.command(&self.directory, "unshare");
        spawn(command.args(["--mount", "sh", "-c", &script]), &mut self.daemon)
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn status(&mut self) -> Step {
        self.each("s6-svstat")
    }

    fn stop_all(&mut self) -> Step {
        self.each("s6-svc -d")
    }

    fn start_all(&mut self) -> Step {
        self.each("s6-svc -u")
    }

    fn end(&mut self) -> Step {
        end(&mut self.daemon, Signal::TERM)
    }
}
