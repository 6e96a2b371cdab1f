use std::process::ExitCode;

use super::{NodeSelection, Patience, fleet};
use crate::context::Context;
use crate::failure::Outcome;
use crate::supervisor_client::SupervisorClient;

/// Stop a node; returns when all its processes are gone
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    nodes: NodeSelection,
    #[command(flatten)]
    patience: Patience,
}

/// Stops a node. It stays stopped until somebody starts it, also after a reboot.
pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let Some(node) = arguments.nodes.one() else { return fleet::stop_all(context, arguments.patience).await };
    let name = &node.name;
    let supervisor = SupervisorClient::require(&context.environment).await?.waiting(arguments.patience.wait);
    let outcome = supervisor.stop_node(name, &node.target(context)).await?;
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
