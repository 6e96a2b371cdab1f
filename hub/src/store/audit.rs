use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// A line of the audit log, in upstream's words (commhub-http §1.7).
pub(crate) struct AuditEntry<'a> {
    pub user_id: Option<&'a UserId>,
    pub username: Option<&'a str>,
    /// `register`, `login`, `login_failed`, `node_token_created`, `node_deleted`.
    pub action: &'static str,
    /// `user`, `auth`, `token`, `node`.
    pub target_type: &'static str,
    pub target_id: Option<&'a str>,
    pub detail: Option<&'a str>,
    /// The address of the client's socket.
    pub ip: Option<&'a str>,
    pub network_id: Option<&'a NetworkId>,
    pub created_at: Timestamp,
}

/// The audit log only grows.
#[async_trait]
pub(crate) trait AuditWrites: Send {
    async fn insert_audit(&mut self, entry: &AuditEntry<'_>) -> StoreResult<()>;
}
