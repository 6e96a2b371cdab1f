//! Making a node known without starting it.

use std::sync::Arc;

use anet_protocol::control::{NodeTarget, NodeView};
use axum::extract::State;
use axum::{Extension, Json};

use super::input::{Body, NodeName};
use super::record::Meant;
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(target): Body<NodeTarget>,
) -> Result<Json<NodeView>, Refusal> {
    let node = registry.find_or_register(&name, &target).await?;
    meant.is(&node);
    Ok(Json(node.view()))
}
