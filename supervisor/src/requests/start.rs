//! Starting the hub or a node; answered when it is ready.

use std::sync::Arc;

use anet_protocol::control::{ChangeNode, ControlErrorCode, HubChanged, NodeChanged, Requester, StartHub, TokenState};
use axum::extract::State;
use axum::{Extension, Json};

use super::input::{Body, NodeName};
use super::record::Meant;
use super::wait::within;
use crate::refusal::Refusal;
use crate::registry::{Node, Registry};
use crate::token_keeper::TokenStates;

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
    let changed = registry.hub.start(Some(asked), Some(by), None).await?;
    Ok(Json(HubChanged { changed, hub: registry.hub_view() }))
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(change): Body<ChangeNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find_or_register(&name, &change.target()).await?;
    meant.is(&node);
    let changed = start(&node, &change, by).await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}

/// As [`node()`], of one that is known already.
pub(super) async fn known_node(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Extension(meant): Extension<Meant>,
    NodeName(name): NodeName,
    Body(change): Body<ChangeNode>,
) -> Result<Json<NodeChanged>, Refusal> {
    let node = registry.find(&name, &change.target())?;
    meant.is(&node);
    let changed = start(&node, &change, by).await?;
    Ok(Json(NodeChanged { changed, node: node.view() }))
}

/// Starts a node that is known; whether that changed anything.
pub(super) async fn start(node: &Node, change: &ChangeNode, by: Requester) -> Result<bool, Refusal> {
    let is_alive = node.handle.snapshot().process.pid().is_some();
    let started = within(change, &node.handle, "is not ready", node.handle.start(None, Some(by), change.patience()));
    tokio::select! {
        started = started => started,
        refusal = is_blocked(node.token.clone(), is_alive) => Err(refusal),
    }
}

/// Waits for the supervisor to find that only a person can give the node a token. It runs on, and takes one once there is one.
async fn is_blocked(mut token: TokenStates, is_alive: bool) -> Refusal {
    if is_alive {
        token.mark_changed();
    } else {
        // What was so before this start is no answer to it.
        token.mark_unchanged();
    }
    while token.changed().await.is_ok() {
        let state = token.borrow_and_update().as_ref().map(|state| state.value.clone());
        if let Some(TokenState::AuthBlocked { reason, hint } | TokenState::NeedsAttention { reason, hint }) = state {
            let error = format!("it runs, but the hub refuses its token, which cannot be replaced: {reason}");
            return Refusal::new(ControlErrorCode::StartFailed, error).hint(hint);
        }
    }
    std::future::pending().await
}
