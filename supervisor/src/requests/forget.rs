//! Taking a node out of the registry; its directory is not touched.

use std::sync::Arc;

use anet_protocol::control::NodeTarget;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::input::{Body, NodeName};
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<Value>, Refusal> {
    registry.forget(&name, &target).await?;
    Ok(Json(json!({})))
}
