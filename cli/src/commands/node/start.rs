use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::control::{NodeChanged, NodeTarget, NodeView};
use anet_protocol::id::NodeId;
use anet_protocol::node_config::NodeConfig;
use std::process::ExitCode;
use tokio::time::Instant;

use super::{NodeSelection, Patience, fleet};
use crate::context::Context;
use crate::environment::{node_directory, program_directory};
use crate::failure::{Failure, Outcome};
use crate::hub_client::HubClient;
use crate::node_files;
use crate::private_files;
use crate::supervisor_client::SupervisorClient;

/// How long the hub may take to show a node that says it is connected.
const HUB_SIGHT_TIMEOUT: Duration = Duration::from_secs(10);

/// The runtime that is shown of what is kept alive without being a node.
pub(crate) const PROGRAM: &str = "program";

/// Start a node; returns when it is ready and the hub sees it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    nodes: NodeSelection,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let Some(node) = arguments.nodes.one() else { return fleet::start_all(context, arguments.patience).await };
    let target = node.target(context);
    if context.environment.supervisor.is_none() {
        secure(context, &node.name, &target).await?;
    }
    let outcome = start_within(context, &node.name, &target, arguments.patience).await?;
    context.printer.note(&told(context, &outcome))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Closes the files of what is to be started to others.
async fn secure(context: &Context, name: &str, target: &NodeTarget) -> Result<(), Failure> {
    private_files::secure_home(context)?;
    for project in projects(context, name, target).await? {
        if !program_directory(&project, name).is_dir() {
            private_files::secure_node(context, &project, name)?;
        }
    }
    Ok(())
}

/// What a start came to: a program may have done its work and ended before one looks.
pub(in crate::commands) fn told(context: &Context, outcome: &NodeChanged) -> String {
    let node = &outcome.node;
    let Some(pid) = node.pid else { return format!("{} was started, and has ended by now", node.name) };
    let condition = if outcome.changed { "is running" } else { "was already running" };
    format!("{} {condition} (pid {pid}){}", node.name, proof(context, node))
}

/// How it is known that it runs well.
pub(crate) fn proof(context: &Context, node: &NodeView) -> &'static str {
    if context.environment.supervisor.is_some() {
        return ", and says that it is ready";
    }
    match (node.runtime.as_deref(), node.tells_ready) {
        (Some(PROGRAM), true) => ", and says that it is ready",
        (Some(PROGRAM), false) => "; it does not say when it is ready",
        _ => ", and the hub sees it",
    }
}

/// The project that is meant, else those that the supervisor knows a node of this name in.
async fn projects(context: &Context, name: &str, target: &NodeTarget) -> Result<Vec<PathBuf>, Failure> {
    if let Some(project) = &target.project {
        return Ok(vec![project.clone()]);
    }
    let Some(supervisor) = SupervisorClient::connect(&context.environment).await? else { return Ok(Vec::new()) };
    let nodes = supervisor.nodes().await?.nodes;
    Ok(nodes.into_iter().filter(|node| node.name == name).map(|node| node.project).collect())
}

/// Starts a node and waits until the hub, asked itself, shows it as connected.
pub(crate) async fn start(context: &Context, name: &str, target: &NodeTarget) -> Result<NodeChanged, Failure> {
    start_within(context, name, target, Patience::default()).await
}

/// As [`start`], with a limit.
pub(super) async fn start_within(
    context: &Context,
    name: &str,
    target: &NodeTarget,
    patience: Patience,
) -> Result<NodeChanged, Failure> {
    if let Some(project) = &target.project
        && !node_directory(project, name).is_dir()
    {
        return Err(Failure::no_such_node(format!("there is no node {name} in {}", project.display()))
            .hint(format!("create it with `anet node create {name} -- PROGRAM`")));
    }
    let supervisor = SupervisorClient::ensure(&context.environment).await?.waiting(patience.wait);
    start_with(context, &supervisor, name, target).await
}

/// As [`start`], for whoever has asked for the supervisor and the node already.
pub(in crate::commands) async fn start_with(
    context: &Context,
    supervisor: &SupervisorClient,
    name: &str,
    target: &NodeTarget,
) -> Result<NodeChanged, Failure> {
    if let Some(project) = &target.project
        && !program_directory(project, name).is_dir()
        && let Ok(config) = node_files::read_config(&node_directory(project, name))
    {
        // Without its hub it cannot become ready; that is said at once instead of after a time-out.
        HubClient::new(&hub_url(context, &config)?, None)?.health().await?;
    }
    let outcome = supervisor.start_node(name, target).await?;
    // An operator cannot read the node's token, with which the hub would be asked.
    if outcome.node.runtime.as_deref() == Some(PROGRAM) || context.environment.supervisor.is_some() {
        return Ok(outcome);
    }
    let directory = node_directory(&outcome.node.project, name);
    let config = node_files::read_config(&directory)?;
    let url = hub_url(context, &config)?;
    let node_id = outcome.node.node_id.clone().map(NodeId::from);
    // The node's own token may ask about its network, so this works for whoever may read the node's files.
    let (Some(node_id), Some(token)) = (node_id, config.token()) else {
        return Err(Failure::message(format!("{} names no node id or token", directory.join("config.json").display())));
    };
    wait_for_hub(&HubClient::new(&url, Some(token))?, &node_id).await?;
    Ok(outcome)
}

/// The hub of a node: its own, else everybody's.
fn hub_url(context: &Context, config: &NodeConfig) -> Result<String, Failure> {
    config.hub().map_or_else(|| context.hub_url(), |url| Ok(url.to_owned()))
}

async fn wait_for_hub(hub: &HubClient, node_id: &NodeId) -> Result<(), Failure> {
    let deadline = Instant::now() + HUB_SIGHT_TIMEOUT;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        if hub.node(node_id).await?.is_some_and(|node| node.connected) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Failure::message(format!("the node runs, but the hub at {} does not see it", hub.url()))
                .hint("look at its log with `anet node logs NAME`"));
        }
    }
}
