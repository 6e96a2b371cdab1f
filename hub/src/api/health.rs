use anet_protocol::rest::{ErrorBody, Health, Success};
use axum::Json;
use axum::extract::State;

use crate::api::answer::success;
use crate::hub::Hub;
use crate::settings::Access;

/// What this hub does beyond upstream's API.
const CAPABILITIES: [&str; 5] = ["claim_leases", "idempotency_key", "last_event_id", "long_poll", "keyset_pages"];

/// Whether the hub answers.
#[utoipa::path(get, path = "/health", tag = "hub", responses((status = 200, body = Success<Health>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn health(State(hub): State<Hub>) -> Json<Success<Health>> {
    let uptime = hub.now().millis_since(hub.started()) / 1000;
    success(Health {
        version: hub.settings().version.clone(),
        api_version: "v3".to_owned(),
        auth: match hub.settings().access {
            Access::Login => "user-token",
            access => access.as_str(),
        }
        .to_owned(),
        security: match hub.settings().access {
            Access::DevOpen => "dev-open",
            Access::Login | Access::SingleUser => "secured",
        }
        .to_owned(),
        v3_auth: true,
        multi_network: true,
        sse_connections: hub.live().streams.count(),
        uptime: u64::try_from(uptime).unwrap_or(0),
        capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
    })
}
