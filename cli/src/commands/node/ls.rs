use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{EventQuery, Exit, NodeView, NodeViews, ProcessState, TokenState};
use futures_util::StreamExt as _;

use super::{unwatched, words};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::printer::{head, or_dash};
use crate::supervisor_client::SupervisorClient;

/// How old a watched list may get.
const REFRESH: Duration = Duration::from_secs(2);

/// List the nodes and programs of this machine
///
/// STATE is `up` for a program that runs and does not say when it is ready, `running` for what has said so. Without a
/// supervisor, `unknown` is what lives on unwatched.
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
        None => unwatched::on_record(context)?,
    };
    if context.environment.supervisor.is_none() {
        unwatched::add_nodes_of_this_project(context, &mut nodes)?;
    }
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
            let alive = views.nodes.iter().filter(|node| node.pid.is_some()).count();
            let hub = unwatched::hub_lives(context)?.then(|| "of the hub".to_owned());
            let nodes = match alive {
                0 => None,
                1 => Some("of 1 node".to_owned()),
                _ => Some(format!("of {alive} nodes")),
            };
            let living: Vec<String> = hub.into_iter().chain(nodes).collect();
            let known = if living.is_empty() {
                "no supervisor runs, and nothing that one has started".to_owned()
            } else {
                format!("no supervisor runs; {} it is only known that the process is alive", living.join(" and "))
            };
            context.printer.warning(&known)?;
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
        words::state(node).to_owned(),
        or_dash(node.pid.as_ref()),
        link(node),
        node.work.as_ref().filter(|_| node.pid.is_some()).map_or(0, |work| work.value).to_string(),
        node.project.display().to_string(),
    ]
}

fn verbose_row(node: &NodeView) -> [String; 11] {
    let [name, runtime, state, pid, link, tasks, project] = row(node);
    let life = words::age(node.proof_of_life);
    let last = node.last_exit.as_ref().or_else(|| last_exit(&node.process));
    let last = last.map_or_else(|| "-".to_owned(), |exit| head(&words::end(exit), 60));
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
