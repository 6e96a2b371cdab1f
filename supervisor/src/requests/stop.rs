//! Stopping the hub or a node for good; answered when everything of it is proven dead.

use std::sync::Arc;

use anet_protocol::control::{ChangeNode, Desired, HubChanged, NodeChanged, Requester, StopReason, StopRequest};
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
    let changed = registry.hub.stop(Some(Desired::Stopped), asked(by)).await?;
    Ok(Json(HubChanged { changed, hub: registry.hub_view() }))
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(change): Body<ChangeNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find(&name, &change.target())?;
    meant.is(&node);
    let changed = stop(&node, &change, by).await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}

/// Stops a node that is known; whether that changed anything.
pub(super) async fn stop(node: &Node, change: &ChangeNode, by: Requester) -> Result<bool, Refusal> {
    within(change, &node.handle, "is not stopped", node.handle.stop(Some(Desired::Stopped), asked(by))).await
}

fn asked(by: Requester) -> StopRequest {
    StopRequest { reason: StopReason::Stop, by: Some(by) }
}
