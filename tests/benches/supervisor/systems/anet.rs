//! Our own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Run, System, quiet};
use crate::patience::{Step, succeed};

pub(crate) struct Anet;

struct AnetRun {
    home: PathBuf,
}

/// The program beside this benchmark.
pub(crate) fn program() -> PathBuf {
    let bench = std::env::current_exe().expect("a benchmark knows its own file");
    bench.ancestors().nth(2).expect("it lies in target/<profile>/deps").join("anet")
}

/// A command of it, with a home of its own below `directory`.
pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = quiet(&program().display().to_string());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", directory).current_dir(directory).args(arguments);
    command
}

/// The process id of the supervisor below `directory`.
pub(crate) fn supervisor(directory: &Path) -> u32 {
    let lock = std::fs::read_to_string(directory.join(".anet/run/supervisor.lock")).expect("the supervisor runs");
    lock.trim().parse().expect("the lock names its holder")
}

impl System for Anet {
    fn name(&self) -> &'static str {
        "anet"
    }

    fn is_installed(&self) -> bool {
        program().exists()
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let run = AnetRun { home: directory.to_owned() };
        for number in 0..count {
            let name = format!("n{number:03}");
            succeed(run.anet(&["run", &name, "--"]).args(child)).expect("anet takes the program");
        }
        succeed(&mut run.anet(&["supervisor", "stop"])).expect("the supervisor stops");
        Box::new(run)
    }
}

impl AnetRun {
    fn anet(&self, arguments: &[&str]) -> Command {
        command(&self.home, arguments)
    }
}

impl Run for AnetRun {
    fn start_cold(&mut self) -> Step {
        // Not waited for: the clock stands when the last child runs.
        succeed(&mut self.anet(&["supervisor", "start"]))
    }

    fn roots(&self) -> Vec<u32> {
        vec![supervisor(&self.home)]
    }

    fn status(&mut self) -> Step {
        succeed(&mut self.anet(&["node", "ls"]))
    }

    fn stop_all(&mut self) -> Step {
        succeed(&mut self.anet(&["node", "stop", "--all"]))
    }

    fn start_all(&mut self) -> Step {
        succeed(&mut self.anet(&["node", "start", "--all"]))
    }

    fn end(&mut self) -> Step {
        succeed(&mut self.anet(&["supervisor", "stop"]))
    }
}
