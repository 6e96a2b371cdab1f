use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::AuditRow;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::{Page, StoreResult};
use crate::audit::AuditEntry;

/// Which lines; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter {
    pub user_id: Option<UserId>,
    pub username: Option<String>,
    pub action: Option<String>,
    pub network_id: Option<NetworkId>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only what is older than this line.
    pub before: Option<i64>,
    /// Only what is newer than this line, oldest first.
    pub after: Option<i64>,
}

/// The end of the chain, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditChain {
    /// Rows up to this one are older than the chain.
    pub begins_after: i64,
    pub head_id: i64,
    pub head_hash: String,
}

/// Questions about the audit log.
#[async_trait]
pub(crate) trait AuditReads: Send {
    async fn audit(&mut self, filter: &AuditFilter, limit: u32) -> StoreResult<Page<AuditRow>>;
    /// Archived and other rows alike, oldest first, from the one after `after`.
    async fn audit_from(&mut self, after: i64, limit: u32) -> StoreResult<Vec<AuditRow>>;
    /// Whether the database itself refuses to change or cut the log.
    async fn audit_is_guarded(&mut self) -> StoreResult<bool>;
    async fn audit_chain(&mut self) -> StoreResult<AuditChain>;
}

/// The audit log only grows.
#[async_trait]
pub(crate) trait AuditWrites: Send {
    async fn insert_audit(&mut self, entry: &AuditEntry) -> StoreResult<()>;
    /// Moves up to `limit` rows of before `before` into the archive; tells how many.
    async fn archive_audit(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}
