//! Stopping and starting anew; answered when the new process is ready.

use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{HubChanged, NodeChanged, Requester, RestartNode, StopReason, StopRequest};
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
    Body(asked): Body<RestartNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find_or_register(&name, &asked.change().target()).await?;
    restart(&node, &asked, &meant, by).await
}

/// As [`node`], of one that is known already.
pub(super) async fn known_node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(asked): Body<RestartNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    restart(&registry.find(&name, &asked.change().target())?, &asked, &meant, by).await
}

async fn restart(
    node: &Node,
    wanted: &RestartNode,
    meant: &Meant,
    by: Requester,
) -> Result<Json<NodeChanged>, Refusal> {
    meant.is(node);
    let change = wanted.change();
    let changed = within(&change, &node.handle, "is not ready again", async {
        match wanted.drain_seconds {
            Some(seconds) => node.handle.drain(Some(Duration::from_secs(seconds)), asked(by)).await,
            None => node.handle.restart(asked(by), change.patience()).await,
        }
    })
    .await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}

fn asked(by: Requester) -> StopRequest {
    StopRequest { reason: StopReason::Restart, by: Some(by) }
}
