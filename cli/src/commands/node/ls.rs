use anet_protocol::Clock as _;
use anet_protocol::control::{Desired, NodeView, NodeViews, ProcessState, TokenState};
use std::process::ExitCode;

use anet_protocol::node_config::NodeConfig;

use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::printer::head;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemClock;

pub(super) async fn run(context: &Context) -> Outcome {
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let is_watched = supervisor.is_some();
    let mut nodes = match supervisor {
        Some(client) => client.nodes().await?.nodes,
        None => Vec::new(),
    };
    add_nodes_of_this_project(context, is_watched, &mut nodes)?;
    nodes.sort_by(|one, other| (&one.name, &one.project).cmp(&(&other.name, &other.project)));
    let views = NodeViews { nodes };
    context.printer.either(&views, || {
        let rows = views.nodes.iter().map(|node| {
            [
                node.name.clone(),
                node.runtime.clone().unwrap_or_else(|| "?".to_owned()),
                node.state.clone(),
                node.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
                link(node),
                node.work.as_ref().filter(|_| node.pid.is_some()).map_or(0, |work| work.value).to_string(),
                node.project.display().to_string(),
            ]
        });
        context.printer.table(["NAME", "RUNTIME", "STATE", "PID", "HUB", "TASKS", "PROJECT"], rows)
    })?;
    if !context.printer.json {
        if views.nodes.is_empty() {
            context.printer.note("no nodes")?;
        }
        if !is_watched {
            context.printer.warning("no supervisor runs, so nobody knows the states of the nodes")?;
            context.printer.hint("`anet supervisor start` starts one; it takes over what still runs")?;
        }
        for node in &views.nodes {
            explain(context, node)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what a person must know about a node that is not well.
fn explain(context: &Context, node: &NodeView) -> Result<(), Failure> {
    if let Some(error) = &node.config_error {
        context.printer.warning(&format!("{}: {error}", node.name))?;
    }
    if !node.changed.is_empty() {
        context.printer.warning(&format!("{}: changed since its start: {}", node.name, node.changed.join(", ")))?;
        context.printer.hint(&format!("anet node restart {}", node.name))?;
    }
    match node.token.as_ref().map(|token| &token.value) {
        Some(TokenState::AuthBlocked { reason, hint } | TokenState::NeedsAttention { reason, hint }) => {
            context.printer.warning(&format!("{}: the hub refuses its token: {reason}", node.name))?;
            context.printer.hint(hint)?;
        }
        Some(TokenState::Waiting { reason, until }) => {
            let text = format!("{}: its token is not repaired yet, next try at {until} UTC: {reason}", node.name);
            context.printer.warning(&text)?;
        }
        Some(TokenState::Repairing) | None => {}
    }
    match &node.process {
        ProcessState::NeedsAttention { reason, .. } => {
            context.printer.warning(&format!("{}: {reason}", node.name))?;
        }
        ProcessState::Backoff { until, attempt, last_exit } => {
            let end = last_exit.sentence();
            let text = format!(
                "{}: {attempt} failures in a row, next start at {until} UTC; last: {}",
                node.name,
                head(&end, 200)
            );
            context.printer.warning(&text)?;
        }
        _ => {}
    }
    Ok(())
}

fn link(node: &NodeView) -> String {
    match &node.link {
        Some(link) if node.pid.is_some() => link.value.as_str().to_owned(),
        _ => "-".to_owned(),
    }
}

/// Nodes that were created here and never started are not known to the supervisor yet.
fn add_nodes_of_this_project(context: &Context, is_watched: bool, nodes: &mut Vec<NodeView>) -> Result<(), Failure> {
    let project = &context.environment.directory;
    for name in node_files::names(project)? {
        if nodes.iter().any(|node| node.name == name && node.project == *project) {
            continue;
        }
        let config = node_files::read_config(&node_directory(project, &name));
        let process = if is_watched {
            ProcessState::Stopped { since: SystemClock.now(), last_exit: None }
        } else {
            ProcessState::Unknown
        };
        nodes.push(NodeView {
            node_id: config.as_ref().ok().and_then(|config| config.node_id()).map(str::to_owned),
            runtime: config.as_ref().ok().and_then(NodeConfig::runtime).map(|runtime| runtime.name().to_owned()),
            state: process.word().to_owned(),
            pid: None,
            project: project.clone(),
            desired: Desired::Stopped,
            process,
            link: None,
            work: None,
            token: None,
            changed: Vec::new(),
            restarts: 0,
            version: None,
            tells_ready: true,
            incarnation: 0,
            exits: Vec::new(),
            config_error: config.err().map(|failure| format!("{:#}", failure.error)),
            name,
        });
    }
    Ok(())
}
