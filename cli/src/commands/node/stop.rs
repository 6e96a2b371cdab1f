use std::process::ExitCode;

use super::{NodeSelection, Patience, fleet};
use crate::commands::supervisor::take_over::require_or_take_over;
use crate::context::Context;
use crate::failure::Outcome;

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
    let supervisor = require_or_take_over(context, |one| node.is_meant_by(context, one)).await?;
    let supervisor = supervisor.waiting(arguments.patience.wait);
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
