//! Stopping the hub or a node for good; answered when everything of it is proven dead.

use std::sync::Arc;

use anet_protocol::control::{Desired, HubChanged, NodeChanged, NodeTarget};
use axum::Json;
use axum::extract::State;

use super::input::{Body, NodeName};
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn hub(State(registry): State<Arc<Registry>>) -> Result<Json<HubChanged>, Refusal> {
    let changed = registry.hub.stop(Some(Desired::Stopped)).await?;
    Ok(Json(HubChanged { changed, hub: registry.hub_view() }))
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find(&name, &target)?;
    let changed = node.handle.stop(Some(Desired::Stopped)).await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}
