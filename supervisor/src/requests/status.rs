//! Looking.

use std::sync::Arc;

use anet_protocol::control::{HubView, NodeTarget, NodeView, NodeViews, SupervisorStatus};
use axum::Json;
use axum::extract::State;

use super::input::{NodeName, Options};
use crate::refusal::Refusal;
use crate::registry::{Node, Registry};

pub(super) async fn supervisor(State(registry): State<Arc<Registry>>) -> Json<SupervisorStatus> {
    Json(registry.status())
}

pub(super) async fn hub(State(registry): State<Arc<Registry>>) -> Json<HubView> {
    Json(registry.hub_view())
}

pub(super) async fn nodes(State(registry): State<Arc<Registry>>) -> Json<NodeViews> {
    Json(NodeViews { nodes: registry.all_nodes().iter().map(Node::view).collect() })
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Options(target): Options<NodeTarget>,
) -> Result<Json<NodeView>, Refusal> {
    Ok(Json(registry.find(&name, &target)?.view_with_exits()))
}
