use serde::{Deserialize, Serialize};

/// `GET /health`: anonymous, polled by watchdogs, so it names nobody.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Health {
    /// The hub's version.
    pub version: String,
    /// Always `v3`, the API generation that upstream's clients ask for.
    pub api_version: String,
    /// Whether a token is needed: `user-token`.
    pub auth: String,
    /// `secured`.
    pub security: String,
    /// Always true: tokens of three kinds.
    pub v3_auth: bool,
    /// Always true: networks are isolated.
    pub multi_network: bool,
    /// Open event streams, a bare number.
    pub sse_connections: u64,
    /// Seconds since the hub began to answer.
    pub uptime: u64,
    /// What this hub can do beyond upstream's API.
    pub capabilities: Vec<String>,
}
