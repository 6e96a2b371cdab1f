use anet_protocol::id::NodeId;
use anyhow::Context as _;
use std::process::ExitCode;

use super::NodeReference;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::supervisor_client::SupervisorClient;

/// Stop a node, remove it from the hub and delete its files
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
    /// Do it; without this the command only says what it would do
    #[arg(long, visible_alias = "yes")]
    force: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let name = &arguments.node.name;
    let target = arguments.node.target(context);
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let known = match &supervisor {
        Some(client) => client.nodes().await?.nodes,
        None => Vec::new(),
    };
    let view = known
        .iter()
        .find(|node| node.name == *name && target.project.as_ref().is_none_or(|project| *project == node.project));
    let project = target.project.clone().or_else(|| view.map(|node| node.project.clone()));
    let project = project.ok_or_else(|| {
        Failure::message(format!("no node is named {name}")).hint("`anet node ls` lists the nodes of this machine")
    })?;
    let directory = node_directory(&project, name);
    let node_id = node_files::read_config(&directory).ok().and_then(|config| config.node_id().map(NodeId::from));
    if !arguments.force {
        let running = if view.is_some_and(|node| node.pid.is_some()) { "stop it, " } else { "" };
        let text = format!("{running}revoke its token, remove it from the hub and delete {}", directory.display());
        return Err(Failure::message(format!("nothing was done to {name}"))
            .hint(format!("`anet node delete {name} --force` will {text}")));
    }
    if let (Some(client), Some(_)) = (&supervisor, view) {
        client.stop_node(name, &target).await?;
    }
    if let Some(node_id) = &node_id {
        match context.hub()?.delete_node(node_id).await {
            Ok(deleted) => {
                context.printer.note(&format!("removed from the hub, {} token(s) revoked", deleted.tokens_revoked))?;
            }
            Err(failure) if failure.code.as_deref() == Some("node_not_found") => {
                context.printer.note("the hub did not know it")?;
            }
            Err(failure) => return Err(failure),
        }
    }
    if let (Some(client), Some(_)) = (&supervisor, view) {
        client.forget_node(name, &target).await?;
    }
    std::fs::remove_dir_all(&directory).with_context(|| format!("cannot delete {}", directory.display()))?;
    context.printer.note(&format!("{name} is deleted"))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "deleted": name, "node_id": node_id }))?;
    }
    Ok(ExitCode::SUCCESS)
}
