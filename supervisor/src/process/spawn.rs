//! From a [`Launch`] to a living process.

use std::io;
use std::process::{Command, Stdio};

use super::Process;
use super::leader::LeaderProcess;
use crate::capture::Outputs;
use crate::launch::{Launch, LaunchError, Program};
use crate::policy::Policy;
use crate::system::control_group::ControlGroup;
use crate::system::isolation::{Isolation, isolate};

impl Process {
    /// Spawns the process and makes sure that what it tells arrives here.
    ///
    /// # Errors
    /// A program that is not there or may not be run needs a person; anything else may pass.
    pub(super) fn spawn(
        &self,
        launch: Launch,
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
        let mut command = command(launch, outputs, isolation);
        let mut routes = self.context.routes.lock();
        let child = command.spawn().map_err(failed)?;
        let leader = LeaderProcess::of_child(&child).map_err(failed)?;
        routes.insert(leader.pid, self.tell.clone());
        Ok(leader)
    }
}

fn command(launch: Launch, outputs: Outputs, isolation: Isolation) -> Command {
    let mut parts = launch.command_line.into_iter();
    let mut command = Command::new(parts.next().unwrap_or_default());
    command
        .args(parts)
        .env_clear()
        .envs(launch.environment)
        .current_dir(launch.directory)
        .stdin(launch.stdin)
        // Files, not pipes: the process outlives the supervisor.
        .stdout(Stdio::from(outputs.out))
        .stderr(Stdio::from(outputs.err));
    isolate(&mut command, isolation);
    command
}
