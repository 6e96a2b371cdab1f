//! What the hub knows of a node that is deleted: its row and its tokens.

use std::path::Path;

use anet_protocol::id::{Alias, NodeId};
use anet_protocol::rest::{Node, NodeQuery};

use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::Failure;
use crate::hub_client::HubClient;
use crate::node_files;

/// Removes the node from the hub, unless the hub knows it in another place: then this one is a copy.
///
/// # Errors
/// When a node whose id is known cannot be removed. One whose id nobody can read any more is looked for by its name, and
/// what is left of it at the hub is said.
pub(super) async fn remove(
    context: &Context,
    node_id: Option<&NodeId>,
    name: &str,
    project: &Path,
    keep_token: bool,
) -> Result<(), Failure> {
    if let Some(other) = node_id.and_then(|node_id| same_node(project, name, node_id)) {
        let text = format!(
            "{other} in this project is the same node to the hub; it stays there, and only the files of {name} are deleted"
        );
        return Ok(context.printer.warning(&text)?);
    }
    let (hub, found) = match node_id {
        Some(node_id) => {
            let hub = context.hub()?;
            let node = hub.node(node_id).await?;
            (hub, node)
        }
        None => match find_by_name(context, name, project).await {
            Ok(found) => found,
            Err(failure) => return unknown(context, name, &failure),
        },
    };
    let Some(node) = found else {
        return Ok(context.printer.note("the hub did not know it")?);
    };
    if let Some(place) = node.project_dir.filter(|place| Path::new(place) != project) {
        let text = format!("the hub knows this node in {place}; it stays there, and only the files here are deleted");
        return Ok(context.printer.warning(&text)?);
    }
    let deleted = hub.delete_node(&node.node_id, keep_token).await?;
    Ok(context.printer.note(&format!("removed from the hub, {} token(s) revoked", deleted.tokens_revoked))?)
}

/// Another directory of the project with this identity: one of both was copied.
fn same_node(project: &Path, name: &str, node_id: &NodeId) -> Option<String> {
    // A project whose directory cannot be listed has no other one that could be told.
    let mut others = node_files::names(project).ok()?.into_iter().filter(|other| other != name);
    others.find(|other| {
        let config = node_files::read_config(&node_directory(project, other));
        config.is_ok_and(|config| config.node_id() == Some(node_id.as_str()))
    })
}

/// The node of this name that works in this project, or that never worked anywhere: its configuration tells no id.
async fn find_by_name(context: &Context, name: &str, project: &Path) -> Result<(HubClient, Option<Node>), Failure> {
    let hub = context.hub()?;
    let network_id = context.network().await?;
    let query = NodeQuery { alias: Some(Alias::from(name)), network_id, ..NodeQuery::default() };
    let (mut here, others): (Vec<Node>, Vec<Node>) = hub
        .nodes(&query)
        .await?
        .nodes
        .into_iter()
        .partition(|node| node.project_dir.as_ref().is_none_or(|place| Path::new(place) == project));
    match (here.pop(), here.as_slice()) {
        (Some(node), []) => Ok((hub, Some(node))),
        (None, _) if others.is_empty() => Ok((hub, None)),
        (None, _) => Err(Failure::message(format!("the hub has a node {name} in another project alone"))),
        (Some(_), _) => Err(Failure::message(format!("the hub has several nodes {name}"))),
    }
}

/// Says what stays at the hub, and how a person ends it.
fn unknown(context: &Context, name: &str, failure: &Failure) -> Result<(), Failure> {
    let text = format!(
        "which node {name} was at the hub is not known, because its config.json cannot be read: {:#}; its token stays valid there",
        failure.error
    );
    context.printer.warning(&text)?;
    for hint in &failure.hints {
        context.printer.hint(hint)?;
    }
    Ok(context
        .printer
        .hint(&format!("`anet token ls` lists it as node:{name}, and `anet token revoke TOKEN` ends it"))?)
}
