use std::process::ExitCode;
use std::time::Duration;

use super::fleet::{self, Rolling};
use super::{NodeSelection, start};
use crate::context::Context;
use crate::duration;
use crate::failure::Outcome;
use crate::supervisor_client::SupervisorClient;

/// Stop and start a node
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    nodes: NodeSelection,
    /// One node after the other: waits until it has no task in hand, and until the hub sees it again
    #[arg(long, requires = "all")]
    rolling: bool,
    /// How long a node may take to finish its tasks
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration::parse, requires = "rolling")]
    wait: Duration,
    /// Leave a node that does not finish in time as it is, and go on with the next
    #[arg(long, requires = "rolling")]
    skip_busy: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let Some(node) = arguments.nodes.one() else {
        let rolling = Rolling { patience: arguments.wait, skip_busy: arguments.skip_busy };
        return fleet::restart_all(context, arguments.rolling.then_some(rolling)).await;
    };
    let name = &node.name;
    let target = node.target(context);
    SupervisorClient::require(&context.environment).await?.restart_node(name, &target).await?;
    let outcome = start::start(context, name, &target).await?;
    let pid = outcome.node.pid.unwrap_or_default();
    context.printer.note(&format!("{name} is running again (pid {pid}){}", start::proof(&outcome.node)))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}
