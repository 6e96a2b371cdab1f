use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::NodeChanged;

use super::fleet::{self, Rolling};
use super::{NodeSelection, Patience, start};
use crate::commands::supervisor::take_over::require_or_take_over;
use crate::context::Context;
use crate::duration;
use crate::failure::Outcome;

/// How long a node may take to finish its tasks.
const ROLLING_PATIENCE: Duration = Duration::from_secs(300);

/// Stop and start a node
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    nodes: NodeSelection,
    /// One node after the other: it takes no new task, finishes those in hand, and the hub sees it again before the next
    #[arg(long, requires = "all")]
    rolling: bool,
    /// How long to wait until it is proven done; with --rolling, how long a node may take to finish its tasks [default: the
    /// policy's ready-timeout, and 5m with --rolling]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Leave a node that does not finish in time as it is, and go on with the next
    #[arg(long, requires = "rolling")]
    skip_busy: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let Some(node) = arguments.nodes.one() else {
        let patience = arguments.wait.unwrap_or(ROLLING_PATIENCE);
        let rolling = arguments.rolling.then_some(Rolling { patience, skip_busy: arguments.skip_busy });
        return fleet::restart_all(context, rolling, Patience { wait: arguments.wait }).await;
    };
    let name = &node.name;
    let target = node.target(context);
    let patience = Patience { wait: arguments.wait };
    let supervisor = require_or_take_over(context, |one| node.is_meant_by(context, one)).await?;
    let supervisor = supervisor.waiting(patience.wait);
    let restarted = supervisor.restart_node(name, &target).await?;
    let running = start::start_within(context, name, &target, patience).await?;
    let outcome = NodeChanged { changed: restarted.changed || running.changed, ..running };
    let pid = outcome.node.pid.unwrap_or_default();
    context.printer.note(&format!("{name} is running again (pid {pid}){}", start::proof(context, &outcome.node)))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}
