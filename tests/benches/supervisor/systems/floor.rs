//! The floor: `tests/examples/supervisor_floor.rs`.

use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::Signal;

use super::{Run, System, end, quiet, spawn};
use crate::patience::{Step, succeed};

pub(crate) struct Floor;

struct FloorRun {
    program: PathBuf,
    socket: PathBuf,
    child: Vec<String>,
    count: usize,
    daemon: Option<Child>,
}

fn program() -> PathBuf {
    let bench = std::env::current_exe().expect("a benchmark knows its own file");
    bench.ancestors().nth(2).expect("it lies in target/<profile>/deps").join("examples/supervisor_floor")
}

impl System for Floor {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn is_installed(&self) -> bool {
        program().exists()
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let socket = directory.join("floor.sock");
        Box::new(FloorRun { program: program(), socket, child: child.to_vec(), count, daemon: None })
    }
}

impl FloorRun {
    fn tell(&self, word: &str) -> Step {
        succeed(quiet(&self.program.display().to_string()).arg("tell").arg(&self.socket).arg(word))
    }
}

impl Run for FloorRun {
    fn start_cold(&mut self) -> Step {
        let mut command = quiet(&self.program.display().to_string());
        command.arg("run").arg(&self.socket).arg(self.count.to_string()).args(&self.child);
        spawn(&mut command, &mut self.daemon)
    }

    fn roots(&self) -> Vec<u32> {
        self.daemon.iter().map(Child::id).collect()
    }

    fn status(&mut self) -> Step {
        self.tell("status")
    }

    fn stop_all(&mut self) -> Step {
        self.tell("stop")
    }

    fn start_all(&mut self) -> Step {
        self.tell("start")
    }

    fn end(&mut self) -> Step {
        self.tell("stop")?;
        end(&mut self.daemon, Signal::KILL)
    }
}
