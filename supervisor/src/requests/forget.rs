//! Taking a node out of the registry; its directory is not touched.

use std::sync::Arc;

use anet_protocol::control::NodeTarget;
use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::input::{Body, NodeName};
use super::record::Meant;
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<Value>, Refusal> {
    meant.is(&registry.find(&name, &target)?);
    registry.forget(&name, &target).await?;
    Ok(Json(json!({})))
}
