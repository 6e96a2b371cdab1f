//! Starting, stopping and restarting every node of this machine.

use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{Desired, NodeTarget, NodeView};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::{Patience, start};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;

/// How often a busy node is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What came of it, by name.
#[derive(Debug, Default, Serialize)]
struct Report {
    done: Vec<String>,
    /// Left alone because they had tasks in hand.
    busy: Vec<String>,
    failed: Vec<String>,
}

/// One node after the other, each only when it has nothing in hand.
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
    let start = async |node: &NodeView| start::start_with(context, &supervisor, &node.name, &target(node)).await;
    let outcomes = join_all(nodes.iter().map(start)).await.into_iter().map(|outcome| outcome.map(drop));
    finish(context, &collect(context, &nodes, outcomes, "is running")?)
}

/// Stops every node that runs or is meant to.
pub(super) async fn stop_all(context: &Context, patience: Patience) -> Outcome {
    let supervisor = SupervisorClient::require(&context.environment).await?.waiting(patience.wait);
    let nodes = wanted(&supervisor).await?;
    let outcomes = join_all(nodes.iter().map(async |node| supervisor.stop_node(&node.name, &target(node)).await));
    let outcomes = outcomes.await.into_iter().map(|outcome| outcome.map(drop));
    finish(context, &collect(context, &nodes, outcomes, "is stopped")?)
}

/// Restarts every node that is meant to run.
pub(super) async fn restart_all(context: &Context, rolling: Option<Rolling>, patience: Patience) -> Outcome {
    let wait = patience.wait.filter(|_| rolling.is_none());
    let supervisor = SupervisorClient::require(&context.environment).await?.waiting(wait);
    let nodes = wanted(&supervisor).await?;
    let Some(rolling) = rolling else {
        let outcomes = join_all(nodes.iter().map(|node| restart(context, &supervisor, node))).await;
        return finish(context, &collect(context, &nodes, outcomes, "is running again")?);
    };
    let mut report = Report::default();
    for node in &nodes {
        if let Some(tasks) = still_busy(&supervisor, node, rolling.patience).await? {
            let seconds = rolling.patience.as_secs();
            context.printer.warning(&format!("{} still works on {tasks} after {seconds} s, left alone", node.name))?;
            report.busy.push(node.name.clone());
            if rolling.skip_busy {
                continue;
            }
            context.printer.hint("go on with the others with --skip-busy, or wait longer with --wait")?;
            break;
        }
        match restart(context, &supervisor, node).await {
            Ok(()) => {
                context.printer.note(&format!("{} is running again", node.name))?;
                report.done.push(node.name.clone());
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

/// Waits until a node has no task in hand; how many it still has when `patience` is over.
async fn still_busy(
    supervisor: &SupervisorClient,
    node: &NodeView,
    patience: Duration,
) -> Result<Option<String>, Failure> {
    let deadline = Instant::now() + patience;
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let views = supervisor.nodes().await?.nodes;
        let view = views.into_iter().find(|view| view.name == node.name && view.project == node.project);
        let tasks = view.filter(|view| view.pid.is_some()).and_then(|view| view.work).map_or(0, |work| work.value);
        if tasks == 0 {
            return Ok(None);
        }
        if Instant::now() >= deadline {
            return Ok(Some(if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") }));
        }
    }
}

fn collect(
    context: &Context,
    nodes: &[NodeView],
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
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
