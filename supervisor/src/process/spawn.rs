//! From a [`Launch`] to a living process.

use std::fs::File;
use std::io;
use std::mem::take;
use std::os::fd::OwnedFd;

use super::Process;
use super::leader::LeaderProcess;
use crate::capture::Outputs;
use crate::launch::{Launch, LaunchError, Program};
use crate::policy::Policy;
use crate::system::control_group::ControlGroup;
use crate::system::execution::Execution;
use crate::system::isolation::Isolation;

impl Process {
    /// Spawns the process and makes sure that what it tells arrives here.
    ///
    /// # Errors
    /// A program that is not there or may not be run needs a person; anything else may pass.
    pub(super) fn spawn(
        &self,
        mut launch: Launch,
        outputs: Outputs,
        control_group: Option<&ControlGroup>,
        policy: &Policy,
    ) -> Result<LeaderProcess, LaunchError> {
        let program = launch.command_line.first().cloned().unwrap_or_default();
        let failed = |error: io::Error| {
            let text = format!("cannot start {}: {error}", program.display());
            match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => LaunchError::Config {
                    error: text,
                    hint: Some(match &self.program {
                        Program::Node(node) if node.is_program() => {
                            format!(
                                "`anet node delete {0}`, then `anet run {0} -- PROGRAM` with a program that is there",
                                node.name
                            )
                        }
                        Program::Node(_) | Program::Hub(_) => {
                            "install anet again, then: anet supervisor upgrade".to_owned()
                        }
                    }),
                },
                _ => LaunchError::Passing(text),
            }
        };
        // A missing working directory would look like a missing program.
        if !launch.directory.is_dir() {
            let error = format!("the directory {} is gone", launch.directory.display());
            return Err(LaunchError::Config { error, hint: None });
        }
        let passing = |error: io::Error| LaunchError::Passing(error.to_string());
        let isolation = Isolation {
            mark: launch.mark(),
            oom_score_adjust: policy.oom_score_adjust,
            core: policy.core,
            control_group: control_group.map(ControlGroup::entrance).transpose().map_err(passing)?,
        };
        let stdin =
            launch.stdin.take().map_or_else(|| File::open("/dev/null").map(OwnedFd::from), Ok).map_err(passing)?;
        // Files, not pipes: the process outlives the supervisor.
        let standard = [stdin, outputs.out.into(), outputs.err.into()];
        let execution = Execution::new(
            take(&mut launch.command_line),
            take(&mut launch.environment),
            &launch.directory,
            standard,
            isolation,
        )
        .map_err(failed)?;
        let mut routes = self.context.routes.lock();
        let leader = execution.start().and_then(LeaderProcess::of_child).map_err(failed)?;
        routes.insert(leader.pid, self.tell.clone());
        Ok(leader)
    }
}
