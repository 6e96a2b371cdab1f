//! Reading the settings file again, and what that and other edits would restart.

use std::sync::Arc;

use anet_protocol::control::{Plan, Reloaded};
use axum::Json;
use axum::extract::State;

use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn reload(State(registry): State<Arc<Registry>>) -> Result<Json<Reloaded>, Refusal> {
    Ok(Json(registry.context.reload()?))
}

pub(super) async fn plan(State(registry): State<Arc<Registry>>) -> Result<Json<Plan>, Refusal> {
    registry.plan().map(Json)
}
