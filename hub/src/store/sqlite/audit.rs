use anet_protocol::id::{NetworkId, UserId};
use async_trait::async_trait;

use super::session::WritingSession;
use crate::store::{AuditEntry, AuditWrites, StoreResult};

#[async_trait]
impl AuditWrites for WritingSession {
    async fn insert_audit(&mut self, entry: &AuditEntry<'_>) -> StoreResult<()> {
        self.query(
            "INSERT INTO audit_log
                (user_id, username, action, target_type, target_id, detail, ip, network_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(entry.user_id.map(UserId::as_str))
        .bind(entry.username)
        .bind(entry.action)
        .bind(entry.target_type)
        .bind(entry.target_id)
        .bind(entry.detail)
        .bind(entry.ip)
        .bind(entry.network_id.map(NetworkId::as_str))
        .bind(entry.created_at.as_millis())
        .put_off()
        .await
    }
}
