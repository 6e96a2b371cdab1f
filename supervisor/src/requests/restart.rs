//! Stopping and starting anew; answered when the new process is ready.

use std::sync::Arc;

use anet_protocol::control::{ChangeNode, HubChanged, NodeChanged, Requester, StopReason, StopRequest};
use axum::extract::State;
use axum::{Extension, Json};

use super::input::{Body, NodeName};
use super::record::Meant;
use super::wait::within;
use crate::refusal::Refusal;
use crate::registry::{Node, Registry};

pub(super) async fn hub(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
) -> Result<Json<HubChanged>, Refusal> {
    let changed = registry.hub.restart(asked(by), None).await?;
    Ok(Json(HubChanged { changed, hub: registry.hub_view() }))
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(change): Body<ChangeNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find_or_register(&name, &change.target()).await?;
    restart(&node, &change, &meant, by).await
}

/// As [`node`], of one that is known already.
pub(super) async fn known_node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(change): Body<ChangeNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    restart(&registry.find(&name, &change.target())?, &change, &meant, by).await
}

async fn restart(node: &Node, change: &ChangeNode, meant: &Meant, by: Requester) -> Result<Json<NodeChanged>, Refusal> {
    meant.is(node);
    let changed =
        within(change, &node.handle, "is not ready again", node.handle.restart(asked(by), change.patience())).await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}

fn asked(by: Requester) -> StopRequest {
    StopRequest { reason: StopReason::Restart, by: Some(by) }
}
