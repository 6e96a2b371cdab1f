use std::fmt::Write as _;
use std::process::ExitCode;

use anet_protocol::control::{Desired, Exit, NodeView, Observed};
use anet_protocol::node_config::{EnvValue, NodeConfig};
use anet_protocol::rest::{TaskList, TaskQuery};
use serde_json::json;

use super::start::PROGRAM;
use super::{NodeReference, hub_info, unwatched, words};
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::printer::{head, or_dash};
use crate::supervisor_client::SupervisorClient;

/// How many of its tasks are shown.
const TASKS: u32 = 3;

/// What the hub is called beside the nodes.
pub(crate) const HUB: &str = "hub";

/// Show all that is known of a node or program, or of the `hub`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    if arguments.node.name == HUB
        && arguments.node.project.is_none()
        && !is_a_node(context, supervisor.as_ref()).await?
    {
        return hub_info::show(context, supervisor.as_ref()).await;
    }
    let (project, known) = arguments.node.locate(context, supervisor.as_ref()).await?;
    let name = &arguments.node.name;
    let view = match (&supervisor, known) {
        (Some(client), Some(_)) => client.node(name, Some(project.clone())).await?,
        (None, Some(view)) => view,
        (_, None) => unwatched::by_its_files(project.clone(), name.clone()),
    };
    let directory = node_directory(&project, name);
    let config = node_files::read_config(&directory);
    // What the hub knows is an addition: a node can be looked at while no hub answers.
    let is_program = view.runtime.as_deref() == Some(PROGRAM);
    let tasks = if is_program { None } else { Some(last_tasks(context, name).await) };
    let environment = config.as_ref().map(masked).unwrap_or_default();
    let document = json!({
        "node": view,
        "config": directory.join("config.json"),
        "model": config.as_ref().ok().and_then(NodeConfig::model),
        "hub": config.as_ref().ok().and_then(NodeConfig::hub),
        "network_id": config.as_ref().ok().and_then(NodeConfig::network_id),
        "command": config.as_ref().ok().and_then(NodeConfig::command),
        "environment": environment,
        "tasks": tasks.as_ref().and_then(|tasks| tasks.as_ref().ok()).map(|list| &list.tasks),
    });
    context.printer.either(&document, || {
        let mut text = facts(&view);
        let rows = [
            ("Config", directory.join("config.json").display().to_string()),
            ("Hub", config.as_ref().ok().and_then(NodeConfig::hub).unwrap_or("the one of `anet init`").to_owned()),
            ("Model", or_dash(config.as_ref().ok().and_then(NodeConfig::model).as_ref())),
        ];
        let rows = rows.into_iter().filter(|(label, _)| !is_program || *label == "Config").chain([(
            "Command",
            config.as_ref().ok().and_then(NodeConfig::command).map_or("-".to_owned(), |argv| argv.join(" ")),
        )]);
        for (label, value) in rows {
            line(&mut text, label, &value);
        }
        for (variable, value) in &environment {
            line(&mut text, "Variable", &format!("{variable} = {value}"));
        }
        text + &exits(context, &view.exits) + &task_table(context, tasks.as_ref().and_then(|tasks| tasks.as_ref().ok()))
    })?;
    if !context.printer.json {
        if let Some(trouble) = words::trouble(&view.state, &view.process) {
            context.printer.warning(&trouble)?;
        }
        if let Some(Err(failure)) = tasks {
            context.printer.note(&format!("its tasks are not known: {:#}", failure.error))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a node or program is called as the hub is.
async fn is_a_node(context: &Context, supervisor: Option<&SupervisorClient>) -> Result<bool, Failure> {
    let known = match supervisor {
        Some(client) => client.nodes().await?.nodes,
        None => Vec::new(),
    };
    let is_here = node_files::find_project(&context.environment.directory, HUB).is_some();
    Ok(is_here || known.iter().any(|node| node.name == HUB))
}

async fn last_tasks(context: &Context, name: &str) -> Result<TaskList, Failure> {
    let query = TaskQuery {
        to_name: Some(name.to_owned()),
        network_id: context.network().await?,
        limit: Some(TASKS),
        ..TaskQuery::default()
    };
    context.hub()?.tasks(&query).await
}

/// Names of variables, and where the values come from; the values are nobody's to read here.
fn masked(config: &NodeConfig) -> Vec<(String, String)> {
    let from = |value| match value {
        EnvValue::Plain(_) => "*** (in the configuration)".to_owned(),
        EnvValue::Reference(name) => format!("*** (from {name})"),
    };
    config.env().into_iter().map(|(name, value)| (name, from(value))).collect()
}

fn facts(view: &NodeView) -> String {
    let mut text = String::new();
    let process = match view.pid {
        Some(pid) => format!("process {pid}, start number {}", view.incarnation),
        None => "none".to_owned(),
    };
    let wanted = match view.desired {
        Desired::Running => "running",
        Desired::Stopped => "stopped",
    };
    let rows = [
        ("Node", view.name.clone()),
        ("Id", or_dash(view.node_id.as_ref())),
        ("Runtime", or_dash(view.runtime.as_ref())),
        ("Project", view.project.display().to_string()),
        ("State", words::state(view).to_owned()),
        ("Wanted", wanted.to_owned()),
        ("Process", process),
        ("Link", observed(view.link.as_ref(), |link| link.as_str().to_owned())),
        ("Tasks", observed(view.work.as_ref(), u32::to_string)),
        (
            "Life",
            view.proof_of_life.map_or("-".to_owned(), |at| format!("last sign {at} UTC, {} ago", words::age(Some(at)))),
        ),
        ("Restarts", format!("{} since a person last started it, {} starts in all", view.restarts, view.incarnation)),
    ];
    for (label, value) in rows {
        line(&mut text, label, &value);
    }
    text
}

fn observed<T>(fact: Option<&Observed<T>>, words: impl Fn(&T) -> String) -> String {
    fact.map_or_else(|| "-".to_owned(), |fact| format!("{}, told {} UTC", words(&fact.value), fact.at))
}

pub(super) fn exits(context: &Context, exits: &[Exit]) -> String {
    if exits.is_empty() {
        return String::new();
    }
    let rows = exits.iter().rev().map(|exit| [exit.incarnation.to_string(), exit.at.to_string(), words::end(exit)]);
    format!("\n{}\n", context.printer.table(["START", "ENDED (UTC)", "HOW"], rows))
}

fn task_table(context: &Context, tasks: Option<&TaskList>) -> String {
    let Some(list) = tasks.filter(|list| !list.tasks.is_empty()) else { return String::new() };
    let rows = list.tasks.iter().map(|task| {
        [task.task_id.to_string(), task.status.to_string(), task.created_at.to_string(), head(&task.content, 60)]
    });
    format!("\n{}", context.printer.table(["TASK", "STATUS", "CREATED (UTC)", "CONTENT"], rows))
}

pub(super) fn line(text: &mut String, label: &str, value: &str) {
    // Writing to a String cannot fail.
    writeln!(text, "{:<10}{value}", format!("{label}:")).unwrap_or_default();
}
