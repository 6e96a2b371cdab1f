use std::process::ExitCode;

use super::{NodeReference, start};
use crate::context::Context;
use crate::failure::Outcome;
use crate::supervisor_client::SupervisorClient;

/// Stop a node; returns when all its processes are gone
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub node: NodeReference,
}

/// Stops a node. It stays stopped until somebody starts it, also after a reboot.
pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let name = &arguments.node.name;
    let supervisor = SupervisorClient::require(&context.environment).await?;
    let outcome = supervisor.stop_node(name, &arguments.node.target(context)).await?;
    context.printer.note(&if outcome.changed {
        format!("{name} is stopped")
    } else {
        format!("{name} was not running")
    })?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Stops and starts a node.
pub(crate) async fn restart(context: &Context, arguments: &Arguments) -> Outcome {
    let name = &arguments.node.name;
    let target = arguments.node.target(context);
    SupervisorClient::require(&context.environment).await?.restart_node(name, &target).await?;
    let outcome = start::start(context, name, &target).await?;
    let pid = outcome.node.pid.unwrap_or_default();
    context.printer.note(&format!("{name} is running again (pid {pid}), and the hub sees it"))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}
