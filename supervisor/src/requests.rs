//! The control API: every route, and the operation behind it. The table is in
//! [`anet_protocol::control`].

mod events;
mod forget;
mod input;
mod logs;
mod register;
mod reload;
mod restart;
mod shutdown;
mod start;
mod status;
mod stop;
mod upgrade;

use std::sync::Arc;

use anet_protocol::control::ControlErrorCode;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::routing::{get, post};

use crate::refusal::Refusal;
use crate::registry::Registry;

/// R56.
const LARGEST_BODY: usize = 1024 * 1024;

/// The routes.
pub(crate) fn router(registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/v1/status", get(status::supervisor))
        .route("/v1/hub", get(status::hub))
        .route("/v1/hub/start", post(start::hub))
        .route("/v1/hub/stop", post(stop::hub))
        .route("/v1/hub/restart", post(restart::hub))
        .route("/v1/hub/logs", get(logs::hub))
        .route("/v1/nodes", get(status::nodes))
        .route("/v1/nodes/{name}", get(status::node))
        .route("/v1/nodes/{name}/start", post(start::node))
        .route("/v1/nodes/{name}/stop", post(stop::node))
        .route("/v1/nodes/{name}/restart", post(restart::node))
        .route("/v1/nodes/{name}/register", post(register::node))
        .route("/v1/nodes/{name}/forget", post(forget::node))
        .route("/v1/nodes/{name}/logs", get(logs::node))
        .route("/v1/events", get(events::events))
        .route("/v1/reload", post(reload::reload))
        .route("/v1/plan", get(reload::plan))
        .route("/v1/upgrade", post(upgrade::upgrade))
        .route("/v1/shutdown", post(shutdown::shutdown))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(registry)
}

async fn unknown(method: Method, uri: Uri) -> Refusal {
    Refusal::new(ControlErrorCode::InvalidInput, format!("there is no request {method} {}", uri.path()))
}
