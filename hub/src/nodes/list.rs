use anet_protocol::rest::{Node, NodeList, NodeQuery};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::{NodeFilter, Reads, Scope};

/// Nodes of the networks in reach, newest update first.
pub(crate) async fn list(hub: &Hub, caller: &Caller, query: NodeQuery) -> Result<NodeList, HubError> {
    let mut reads = hub.read().await?;
    let scope = caller.scope(&mut *reads, query.network_id.as_ref()).await?;
    let nodes = matching(hub, &mut *reads, scope, query).await?;
    Ok(NodeList { count: nodes.len(), nodes })
}

/// The nodes that a query asks for, with what presence knows of them.
pub(crate) async fn matching(
    hub: &Hub,
    reads: &mut dyn Reads,
    scope: Scope,
    query: NodeQuery,
) -> Result<Vec<Node>, HubError> {
    let stored = reads.nodes(&NodeFilter { scope, node_id: query.node_id, alias: query.alias }).await?;
    let now = hub.now();
    let mut nodes: Vec<Node> = stored.into_iter().map(|stored| stored.node).collect();
    for node in &mut nodes {
        hub.live().presence.apply(node, now);
    }
    nodes.retain(|node| query.status.is_none_or(|status| node.status == status));
    Ok(nodes)
}
