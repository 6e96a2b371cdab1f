mod at_hub;

use anet_protocol::control::NodeTarget;
use anet_protocol::id::NodeId;
use anyhow::Context as _;
use std::process::ExitCode;

use super::NodeReference;
use crate::context::Context;
use crate::environment::{node_directory, program_directory};
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::supervisor_client::SupervisorClient;

/// Stop a node, remove it from the hub and delete its files
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
    /// Leave its token valid, for a node that goes on elsewhere
    #[arg(long)]
    keep_token: bool,
    /// Do it; without this the command only says what it would do
    #[arg(long, visible_alias = "yes")]
    force: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let name = &arguments.node.name;
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let (project, view) = arguments.node.locate(context, supervisor.as_ref()).await?;
    let (target, view) = (NodeTarget { project: Some(project.clone()) }, view.as_ref());
    let directory = node_directory(&project, name);
    let from_files = node_files::read_config(&directory).ok().and_then(|config| config.node_id().map(NodeId::from));
    let node_id = from_files.or_else(|| view.and_then(|node| node.node_id.clone()).map(NodeId::from));
    // The hub knows nothing of a program that is no node.
    let is_program = program_directory(&project, name).is_dir();
    if !arguments.force {
        let running = if view.is_some_and(|node| node.pid.is_some()) { "stop it, " } else { "" };
        let at_hub = match arguments.keep_token {
            _ if is_program => "",
            true => "remove it from the hub and ",
            false => "revoke its token, remove it from the hub and ",
        };
        let text = format!("{running}{at_hub}delete {}", directory.display());
        let place = project.display();
        let keep = if arguments.keep_token { " --keep-token" } else { "" };
        return Err(Failure::message(format!("nothing was done to {name}"))
            .hint(format!("`anet node delete {name} --project '{place}'{keep} --force` will {text}")));
    }
    if !is_program && node_id.is_some() {
        // Asked before the node is stopped: one that the hub cannot be told of stays as it is.
        context.hub()?.health().await?;
    }
    if let (Some(client), Some(_)) = (&supervisor, view) {
        client.stop_node(name, &target).await?;
    }
    if !is_program {
        at_hub::remove(context, node_id.as_ref(), name, &project, arguments.keep_token).await?;
    }
    if let (Some(client), Some(_)) = (&supervisor, view) {
        client.forget_node(name, &target).await?;
    }
    match std::fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot delete {}", directory.display()))?;
        }
        _ => {}
    }
    context.printer.note(&format!("{name} is deleted"))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "deleted": name, "node_id": node_id }))?;
    }
    Ok(ExitCode::SUCCESS)
}
