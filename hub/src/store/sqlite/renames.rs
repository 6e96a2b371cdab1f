use anet_protocol::id::{Alias, NetworkId, NodeId, RenameId};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::store::{Rename, RenameReads, RenameStatus, RenameWrites, StoreResult};

fn rename(row: &SqliteRow) -> Result<Rename, sqlx::Error> {
    Ok(Rename {
        txn_id: decode::text(row, "txn_id")?,
        network_id: decode::text(row, "network_id")?,
        node_id: decode::text(row, "node_id")?,
        old_alias: decode::text(row, "old_alias")?,
        new_alias: decode::text(row, "new_alias")?,
        status: decode::word(row, "status", RenameStatus::parse)?,
        prepared_by: row.try_get("prepared_by")?,
        expires_at: decode::time(row, "expires_at")?,
    })
}

#[async_trait]
impl<C: Holder> RenameReads for Session<C> {
    async fn rename(&mut self, txn_id: &RenameId) -> StoreResult<Option<Rename>> {
        let row = self.query("SELECT * FROM renames WHERE txn_id = $1").bind(txn_id.as_str()).fetch_optional().await?;
        Ok(row.as_ref().map(rename).transpose()?)
    }

    async fn reservation(&mut self, network_id: &NetworkId, alias: &Alias) -> StoreResult<Option<Rename>> {
        let row = self
            .query("SELECT * FROM renames WHERE network_id = $1 AND new_alias = $2 AND status = 'prepared'")
            .bind(network_id.as_str())
            .bind(alias.as_str())
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(rename).transpose()?)
    }

    async fn renamed_from(&mut self, network_id: &NetworkId, alias: &Alias) -> StoreResult<Option<NodeId>> {
        let row = self
            .query(
                "SELECT node_id FROM renames WHERE network_id = $1 AND old_alias = $2 AND status = 'committed'
                 ORDER BY updated_at DESC, rowid DESC LIMIT 1",
            )
            .bind(network_id.as_str())
            .bind(alias.as_str())
            .fetch_optional()
            .await?;
        Ok(row.map(|row| decode::text(&row, "node_id")).transpose()?)
    }
}

#[async_trait]
impl RenameWrites for WritingSession {
    async fn insert_rename(&mut self, rename: &Rename, now: Timestamp) -> StoreResult<()> {
        self.query(
            "INSERT INTO renames (txn_id, network_id, node_id, old_alias, new_alias, status, prepared_by, expires_at,
                                  updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(rename.txn_id.as_str())
        .bind(rename.network_id.as_str())
        .bind(rename.node_id.as_str())
        .bind(rename.old_alias.as_str())
        .bind(rename.new_alias.as_str())
        .bind(rename.status.as_str())
        .bind(&rename.prepared_by)
        .bind(rename.expires_at.as_millis())
        .bind(now.as_millis())
        .put_off()
        .await
    }

    async fn set_rename_status(&mut self, txn_id: &RenameId, status: RenameStatus, now: Timestamp) -> StoreResult<()> {
        self.query("UPDATE renames SET status = $1, updated_at = $2 WHERE txn_id = $3")
            .bind(status.as_str())
            .bind(now.as_millis())
            .bind(txn_id.as_str())
            .put_off()
            .await
    }

    async fn rename_node(&mut self, rename: &Rename, now: Timestamp) -> StoreResult<()> {
        let alias = rename.new_alias.as_str();
        self.query("UPDATE nodes SET alias = $1, node_name = $1, updated_at = $2 WHERE node_id = $3")
            .bind(alias)
            .bind(now.as_millis())
            .bind(rename.node_id.as_str())
            .put_off()
            .await?;
        self.query("UPDATE api_tokens SET name = 'node:' || $1 WHERE node_id = $2")
            .bind(alias)
            .bind(rename.node_id.as_str())
            .put_off()
            .await?;
        // Whoever waits for an answer is told of it under the new name.
        self.query(
            "UPDATE tasks SET reply_to = 'node:' || $1
             WHERE from_node_id = $2 AND status IN ('created', 'delivered', 'acked', 'running')",
        )
        .bind(alias)
        .bind(rename.node_id.as_str())
        .put_off()
        .await
    }
}
