use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::Clock as _;
use anet_protocol::control::{Desired, EventQuery, Exit, NodeView, NodeViews, ProcessState, TokenState};
use anet_protocol::node_config::NodeConfig;
use futures_util::StreamExt as _;

use super::words;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::printer::{head, or_dash};
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemClock;

/// How old a watched list may get.
const REFRESH: Duration = Duration::from_secs(2);

/// List the nodes of this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Also show the last sign of life, starts, and how each node last ended
    #[arg(long, short)]
    verbose: bool,
    /// Show the list again at every change, until Ctrl-C
    #[arg(long, short)]
    watch: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    show(context, arguments).await?;
    if !arguments.watch {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        wait_for_change(context).await?;
        context.printer.clear()?;
        show(context, arguments).await?;
    }
}

/// Returns at the next event, or after a while because link, work and signs of life are not events.
async fn wait_for_change(context: &Context) -> Result<(), Failure> {
    if let Some(client) = SupervisorClient::connect(&context.environment).await? {
        let query = EventQuery { since: None, lines: None, follow: true };
        let mut events = pin!(client.events(&query).await?);
        // Too late is not wrong: the list is taken anew either way.
        drop(tokio::time::timeout(REFRESH, events.next()).await);
    } else {
        tokio::time::sleep(REFRESH).await;
    }
    Ok(())
}

async fn show(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let supervisor = SupervisorClient::connect_and_look(&context.environment).await?;
    let is_watched = supervisor.is_some();
    let mut nodes = match supervisor {
        Some((_, status)) => status.nodes,
        None => Vec::new(),
    };
    add_nodes_of_this_project(context, is_watched, &mut nodes)?;
    nodes.sort_by(|one, other| (&one.name, &one.project).cmp(&(&other.name, &other.project)));
    let views = NodeViews { nodes };
    context.printer.either(&views, || {
        if arguments.verbose {
            let header = [
                "NAME", "RUNTIME", "STATE", "PID", "HUB", "TASKS", "LIFE", "STARTS", "RESTARTS", "LAST END", "PROJECT",
            ];
            return context.printer.table(header, views.nodes.iter().map(verbose_row));
        }
        context
            .printer
            .table(["NAME", "RUNTIME", "STATE", "PID", "HUB", "TASKS", "PROJECT"], views.nodes.iter().map(row))
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
    Ok(())
}

fn row(node: &NodeView) -> [String; 7] {
    [
        node.name.clone(),
        node.runtime.clone().unwrap_or_else(|| "?".to_owned()),
        node.state.clone(),
        or_dash(node.pid.as_ref()),
        link(node),
        node.work.as_ref().filter(|_| node.pid.is_some()).map_or(0, |work| work.value).to_string(),
        node.project.display().to_string(),
    ]
}

fn verbose_row(node: &NodeView) -> [String; 11] {
    let [name, runtime, state, pid, link, tasks, project] = row(node);
    let life = words::age(node.proof_of_life);
    let last = last_exit(&node.process).map_or_else(|| "-".to_owned(), |exit| head(&words::end(exit), 60));
    [
        name,
        runtime,
        state,
        pid,
        link,
        tasks,
        life,
        node.incarnation.to_string(),
        node.restarts.to_string(),
        last,
        project,
    ]
}

fn last_exit(process: &ProcessState) -> Option<&Exit> {
    match process {
        ProcessState::Stopped { last_exit, .. } | ProcessState::Waiting { last_exit, .. } => last_exit.as_ref(),
        ProcessState::Backoff { last_exit, .. } | ProcessState::NeedsAttention { last_exit, .. } => Some(last_exit),
        _ => None,
    }
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
    if let Some(trouble) = words::trouble(&node.state, &node.process) {
        context.printer.warning(&format!("{}: {trouble}", node.name))?;
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
        nodes.push(unregistered(project.clone(), name, is_watched));
    }
    Ok(())
}

/// A node that the supervisor does not know, as far as its files tell.
pub(super) fn unregistered(project: PathBuf, name: String, is_watched: bool) -> NodeView {
    let config = node_files::read_config(&node_directory(&project, &name));
    let process = if is_watched {
        ProcessState::Stopped { since: SystemClock.now(), last_exit: None }
    } else {
        ProcessState::Unknown
    };
    NodeView {
        node_id: config.as_ref().ok().and_then(|config| config.node_id()).map(str::to_owned),
        runtime: config.as_ref().ok().and_then(NodeConfig::runtime).map(|runtime| runtime.name().to_owned()),
        state: process.word().to_owned(),
        pid: None,
        project,
        desired: Desired::Stopped,
        process,
        link: None,
        work: None,
        proof_of_life: None,
        token: None,
        changed: Vec::new(),
        restarts: 0,
        version: None,
        tells_ready: true,
        incarnation: 0,
        exits: Vec::new(),
        config_error: config.err().map(|failure| format!("{:#}", failure.error)),
        name,
    }
}
