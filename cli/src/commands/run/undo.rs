//! A program that could not be started at all is not kept.

use anet_protocol::control::{ExitCause, NodeTarget, ProcessState};

use crate::context::Context;
use crate::environment::program_directory;
use crate::failure::Failure;
use crate::supervisor_client::SupervisorClient;

/// Makes the program unknown again, unless it was executed; the failure with what became of it.
pub(super) async fn take_back(context: &Context, name: &str, target: &NodeTarget, failure: Failure) -> Failure {
    match forget(context, name, target).await {
        Ok(true) => {
            // There is nothing left that the supervisor's hint could be followed with.
            let failure = Failure { hints: Vec::new(), ..failure };
            failure.hint(format!("{name} is not kept; mend this and give the command again"))
        }
        Ok(false) => failure.hint(format!("{name} is kept; remove it with `anet node delete {name} --force`")),
        Err(error) => failure.hint(format!(
            "{name} is kept, because it could not be removed ({:#}); `anet node delete {name} --force` does that",
            error.error
        )),
    }
}

/// Whether it was removed.
async fn forget(context: &Context, name: &str, target: &NodeTarget) -> Result<bool, Failure> {
    if let Some(supervisor) = SupervisorClient::connect(&context.environment).await? {
        let nodes = supervisor.nodes().await?.nodes;
        let view = nodes.iter().find(|node| node.name == name && target.project.as_ref() == Some(&node.project));
        if let Some(view) = view {
            if !was_never_executed(&view.process) {
                return Ok(false);
            }
            match supervisor.stop_node(name, target).await {
                // Nothing of it was ever executed, so whoever holds its port is another.
                Err(failure) if failure.code.as_deref() == Some("stop_failed") => {}
                outcome => drop(outcome?),
            }
            supervisor.forget_node(name, target).await?;
        }
    }
    std::fs::remove_dir_all(program_directory(&context.environment.directory, name))?;
    Ok(true)
}

fn was_never_executed(process: &ProcessState) -> bool {
    match process {
        ProcessState::Stopped { last_exit, .. } | ProcessState::Waiting { last_exit, .. } => {
            last_exit.as_ref().is_none_or(|exit| matches!(exit.cause, ExitCause::SpawnFailed { .. }))
        }
        ProcessState::Backoff { last_exit, .. } | ProcessState::NeedsAttention { last_exit, .. } => {
            matches!(last_exit.cause, ExitCause::SpawnFailed { .. })
        }
        ProcessState::Unknown
        | ProcessState::Starting { .. }
        | ProcessState::Running { .. }
        | ProcessState::Stopping { .. } => false,
    }
}
