//! Stopping and starting anew; answered when the new process is ready.

use std::sync::Arc;

use anet_protocol::control::{HubChanged, NodeChanged, NodeTarget};
use axum::Json;
use axum::extract::State;

use super::input::{Body, NodeName};
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn hub(State(registry): State<Arc<Registry>>) -> Result<Json<HubChanged>, Refusal> {
    let changed = registry.hub.restart().await?;
    Ok(Json(HubChanged { changed, hub: registry.hub_view() }))
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find_or_register(&name, &target).await?;
    let changed = node.handle.restart().await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}
