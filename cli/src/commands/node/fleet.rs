//! Starting, stopping and restarting every node of this machine.

use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{Desired, NodeTarget, NodeView};
use anet_protocol::exit_code::CommandExit;
use futures_util::future::join_all;
use serde::Serialize;

use super::{Patience, start};
use crate::commands::supervisor::take_over::require_or_take_over;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;

/// The supervisor's word for a node that did not finish its tasks in time.
const STILL_BUSY: &str = "still_busy";

/// What came of it, by name.
#[derive(Debug, Default, Serialize)]
struct Report {
    done: Vec<String>,
    /// Left alone because they had tasks in hand.
    busy: Vec<String>,
    failed: Vec<String>,
}

/// One node after the other, each when it has finished its tasks; it takes no new one meanwhile.
#[derive(Debug)]
pub(super) struct Rolling {
    /// How long a node may take to finish its tasks.
    pub(super) patience: Duration,
    /// Whether to go on with the next node when one does not finish in time.
    pub(super) skip_busy: bool,
}

/// Starts every node that the supervisor knows.
pub(super) async fn start_all(context: &Context, patience: Patience) -> Outcome {
    let supervisor = SupervisorClient::ensure(&context.environment).await?.waiting(patience.wait);
    let nodes = supervisor.nodes().await?.nodes;
    // What is no node is done when the supervisor says so; of a node the hub is asked, too.
    let (programs, nodes): (Vec<_>, Vec<_>) =
        nodes.iter().partition(|node| node.runtime.as_deref() == Some(start::PROGRAM));
    let start = async |node: &NodeView| start::start_with(context, &supervisor, &node.name, &target(node)).await;
    let (of_programs, of_nodes) =
        tokio::join!(supervisor.start_nodes(&programs), join_all(nodes.iter().map(|node| start(node))));
    let outcomes = of_programs?.into_iter().chain(of_nodes.into_iter().map(|outcome| outcome.map(drop)));
    let all: Vec<_> = programs.into_iter().chain(nodes).collect();
    finish(context, &collect(context, &all, outcomes, "is running")?)
}

/// Stops every node that runs or is meant to.
pub(super) async fn stop_all(context: &Context, patience: Patience) -> Outcome {
    let supervisor = require_or_take_over(context, |one| one.project.is_some()).await?.waiting(patience.wait);
    let nodes = wanted(&supervisor).await?;
    let nodes: Vec<_> = nodes.iter().collect();
    let outcomes = supervisor.stop_nodes(&nodes).await?;
    finish(context, &collect(context, &nodes, outcomes, "is stopped")?)
}

/// Restarts every node that is meant to run.
pub(super) async fn restart_all(context: &Context, rolling: Option<Rolling>, patience: Patience) -> Outcome {
    let wait = patience.wait.filter(|_| rolling.is_none());
    let supervisor = require_or_take_over(context, |one| one.project.is_some()).await?.waiting(wait);
    let nodes = wanted(&supervisor).await?;
    let Some(rolling) = rolling else {
        let outcomes = join_all(nodes.iter().map(|node| restart(context, &supervisor, node))).await;
        return finish(context, &collect(context, &nodes.iter().collect::<Vec<_>>(), outcomes, "is running again")?);
    };
    let mut report = Report::default();
    for node in &nodes {
        match drain(context, &supervisor, node, rolling.patience).await {
            Ok(()) => {
                context.printer.note(&format!("{} is running again", node.name))?;
                report.done.push(node.name.clone());
            }
            Err(failure) if failure.code.as_deref() == Some(STILL_BUSY) => {
                context.printer.warning(&format!("{:#}", failure.error))?;
                report.busy.push(node.name.clone());
                if rolling.skip_busy {
                    continue;
                }
                context.printer.hint("go on with the others with --skip-busy, or wait longer with --wait")?;
                break;
            }
            Err(failure) => {
                // The next one would most likely fare no better.
                context.printer.failure(&failure.context(format!("{} did not come back", node.name)))?;
                report.failed.push(node.name.clone());
                break;
            }
        }
    }
    finish(context, &report)
}

/// The nodes that run, or should.
async fn wanted(supervisor: &SupervisorClient) -> Result<Vec<NodeView>, Failure> {
    let mut nodes = supervisor.nodes().await?.nodes;
    nodes.retain(|node| node.desired == Desired::Running || node.pid.is_some());
    Ok(nodes)
}

fn target(node: &NodeView) -> NodeTarget {
    NodeTarget { project: Some(node.project.clone()) }
}

async fn restart(context: &Context, supervisor: &SupervisorClient, node: &NodeView) -> Result<(), Failure> {
    supervisor.restart_node(&node.name, &target(node)).await?;
    start::start_with(context, supervisor, &node.name, &target(node)).await.map(drop)
}

async fn drain(
    context: &Context,
    supervisor: &SupervisorClient,
    node: &NodeView,
    patience: Duration,
) -> Result<(), Failure> {
    supervisor.drain_node(&node.name, &target(node), patience).await?;
    start::start_with(context, supervisor, &node.name, &target(node)).await.map(drop)
}

fn collect(
    context: &Context,
    nodes: &[&NodeView],
    outcomes: impl IntoIterator<Item = Result<(), Failure>>,
    words: &str,
) -> Result<Report, Failure> {
    let mut report = Report::default();
    for (node, outcome) in nodes.iter().zip(outcomes) {
        match outcome {
            Ok(()) => {
                context.printer.note(&format!("{} {words}", node.name))?;
                report.done.push(node.name.clone());
            }
            Err(failure) => {
                context.printer.failure(&failure.context(node.name.clone()))?;
                report.failed.push(node.name.clone());
            }
        }
    }
    Ok(report)
}

/// Succeeds when nothing was left undone.
fn finish(context: &Context, report: &Report) -> Outcome {
    let is_done = report.busy.is_empty() && report.failed.is_empty();
    if is_done && report.done.is_empty() {
        context.printer.note("there is no such node")?;
    }
    if context.printer.json {
        context.printer.document(report)?;
    }
    let exit = match (report.failed.is_empty(), report.busy.is_empty()) {
        (true, true) => CommandExit::Done,
        (true, false) => CommandExit::Timeout,
        (false, _) => CommandExit::Failed,
    };
    Ok(ExitCode::from(exit.code()))
}
