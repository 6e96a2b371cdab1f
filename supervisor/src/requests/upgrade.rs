//! Replacing the supervisor's program in place; answered once the new program is found fit for it.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use anet_protocol::control::{ControlErrorCode, Upgrade, Upgrading};
use axum::Json;
use axum::extract::State;

use super::input::Body;
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::upgrade::{Replacement, check};

pub(super) async fn upgrade(
    State(registry): State<Arc<Registry>>,
    Body(asked): Body<Upgrade>,
) -> Result<Json<Upgrading>, Refusal> {
    let context = &registry.context;
    let executable: PathBuf = asked.executable.unwrap_or_else(|| context.settings.executable.clone());
    if !executable.is_absolute() {
        let error = format!("the program file {} is not absolute", executable.display());
        return Err(Refusal::new(ControlErrorCode::InvalidInput, error));
    }
    // The next program would refuse to start with it.
    context.reload()?;
    if let Some(secrets) = &context.settings.secrets {
        secrets.read().map_err(|error| Refusal::new(ControlErrorCode::ConfigInvalid, error.error))?;
    }
    let to = check(&context.settings, &executable).await?;
    // The next program could not go on where this one cannot write.
    context.store.durable().await.map_err(|error| Refusal::new(ControlErrorCode::UpgradeRefused, error.to_string()))?;
    tracing::info!(executable = %executable.display(), version = to.version, "the program is replaced");
    let replacement = Replacement { executable: executable.clone(), hub_listener: registry.hub.hub_listener().await };
    *context.replacement.lock().unwrap_or_else(PoisonError::into_inner) = Some(replacement);
    // This answer is finished before the connection closes.
    registry.leave.cancel();
    let from = context.settings.version.clone();
    Ok(Json(Upgrading { pid: std::process::id(), from, to: to.version, executable }))
}
