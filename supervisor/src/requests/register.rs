//! Making a node known without starting it.

use std::sync::Arc;

use anet_protocol::control::{NodeTarget, NodeView};
use axum::Json;
use axum::extract::State;

use super::input::{Body, NodeName};
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<NodeView>, Refusal> {
    Ok(Json(registry.find_or_register(&name, &target).await?.view()))
}
