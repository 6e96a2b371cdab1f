//! Starting the hub or a node; answered when it is ready.

use std::sync::Arc;

use anet_protocol::control::{ControlErrorCode, HubChanged, NodeChanged, NodeTarget, Requester, StartHub};
use axum::extract::State;
use axum::{Extension, Json};

use super::input::{Body, NodeName};
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn hub(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Body(asked): Body<StartHub>,
) -> Result<Json<HubChanged>, Refusal> {
    if !asked.database.is_absolute() {
        let error = format!("the database path {} is not absolute", asked.database.display());
        return Err(Refusal::new(ControlErrorCode::InvalidInput, error));
    }
    let unknown: Vec<&str> = asked.variables.unknown().collect();
    if !unknown.is_empty() {
        let error = format!("no setting of the hub: {}", unknown.join(", "));
        return Err(Refusal::new(ControlErrorCode::InvalidInput, error));
    }
    let changed = registry.hub.start(Some(asked), Some(by)).await?;
    Ok(Json(HubChanged { changed, hub: registry.hub_view() }))
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find_or_register(&name, &target).await?;
    let changed = node.handle.start(None, Some(by)).await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}
