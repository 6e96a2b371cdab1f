use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::AuditRow;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _};

use super::decode;
use super::filter::{push_equal, push_scope};
use super::session::{Holder, Session, WritingSession};
use crate::audit::AuditEntry;
use crate::store::{AuditChain, AuditFilter, AuditReads, AuditWrites, Page, Scope, StoreResult};

fn audit_row(row: &SqliteRow) -> Result<AuditRow, sqlx::Error> {
    Ok(AuditRow {
        id: row.try_get("id")?,
        user_id: decode::optional_text(row, "user_id")?,
        username: row.try_get("username")?,
        actor_kind: row.try_get("actor_kind")?,
        actor_id: row.try_get("actor_id")?,
        action: row.try_get("action")?,
        target_type: row.try_get("target_type")?,
        target_id: row.try_get("target_id")?,
        detail: row.try_get("detail")?,
        ip: row.try_get("ip")?,
        network_id: decode::optional_text(row, "network_id")?,
        created_at: decode::time(row, "created_at")?,
        hash: row.try_get("hash")?,
    })
}

/// What keeps the log from being changed or cut. Made anew whenever the database is opened, because whoever can write to
/// it can also take them away.
pub(super) const GUARDS: [&str; 4] = [
    "CREATE TRIGGER IF NOT EXISTS audit_log_is_not_changed BEFORE UPDATE ON audit_log
     BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END",
    "CREATE TRIGGER IF NOT EXISTS audit_log_is_not_cut BEFORE DELETE ON audit_log
     WHEN NOT EXISTS (SELECT 1 FROM audit_archive WHERE id = OLD.id AND hash = OLD.hash)
     BEGIN SELECT RAISE(ABORT, 'a row of the audit log is archived before it goes'); END",
    "CREATE TRIGGER IF NOT EXISTS audit_archive_is_not_changed BEFORE UPDATE ON audit_archive
     BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END",
    "CREATE TRIGGER IF NOT EXISTS audit_archive_is_not_cut BEFORE DELETE ON audit_archive
     BEGIN SELECT RAISE(ABORT, 'the audit log is not cut'); END",
];

/// Both tables as one, for questions that do not care where a row stands.
const WHOLE_LOG: &str = "
    (SELECT id, user_id, username, actor_kind, actor_id, action, target_type, target_id, detail, ip, network_id,
            created_at, hash FROM audit_archive
     UNION ALL
     SELECT id, user_id, username, actor_kind, actor_id, action, target_type, target_id, detail, ip, network_id,
            created_at, hash FROM audit_log)";

#[async_trait]
impl<C: Holder> AuditReads for Session<C> {
    async fn audit(&mut self, filter: &AuditFilter, limit: u32) -> StoreResult<Page<AuditRow>> {
        let mut query = QueryBuilder::new("SELECT * FROM ");
        query.push(WHOLE_LOG);
        push_scope(&mut query, "network_id", &Scope::All);
        push_equal(&mut query, "user_id", filter.user_id.as_ref().map(UserId::as_str));
        push_equal(&mut query, "username", filter.username.as_deref());
        push_equal(&mut query, "action", filter.action.as_deref());
        push_equal(&mut query, "network_id", filter.network_id.as_ref().map(NetworkId::as_str));
        let bounds = [
            (" AND created_at >= ", filter.since.map(Timestamp::as_millis)),
            (" AND created_at < ", filter.until.map(Timestamp::as_millis)),
            (" AND id < ", filter.before),
            (" AND id > ", filter.after),
        ];
        for (condition, bound) in bounds {
            if let Some(bound) = bound {
                query.push(condition).push_bind(bound);
            }
        }
        query.push(if filter.after.is_some() { " ORDER BY id" } else { " ORDER BY id DESC" });
        query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
        let rows = query.build().fetch_all(self.connection().await?).await?;
        let mut rows = rows.iter().map(audit_row).collect::<Result<Vec<_>, _>>()?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Ok(Page { next: rows.last().filter(|_| more).map(|row| row.id), rows })
    }

    async fn audit_from(&mut self, after: i64, limit: u32) -> StoreResult<Vec<AuditRow>> {
        let mut query = QueryBuilder::new("SELECT * FROM ");
        query.push(WHOLE_LOG).push(" WHERE id > ").push_bind(after);
        query.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit));
        let rows = query.build().fetch_all(self.connection().await?).await?;
        Ok(rows.iter().map(audit_row).collect::<Result<_, _>>()?)
    }

    async fn audit_is_guarded(&mut self) -> StoreResult<bool> {
        let row = self
            .query(
                "SELECT COUNT(*) AS guards FROM sqlite_master WHERE type = 'trigger' AND name IN
                 ('audit_log_is_not_changed', 'audit_log_is_not_cut', 'audit_archive_is_not_changed',
                  'audit_archive_is_not_cut')",
            )
            .fetch_one()
            .await?;
        Ok(decode::number::<usize>(&row, "guards")? == GUARDS.len())
    }

    async fn audit_chain(&mut self) -> StoreResult<AuditChain> {
        let row = self.query("SELECT begins_after, head_id, head_hash FROM audit_chain").fetch_one().await?;
        Ok(AuditChain {
            begins_after: row.try_get("begins_after")?,
            head_id: row.try_get("head_id")?,
            head_hash: row.try_get("head_hash")?,
        })
    }
}

#[async_trait]
impl AuditWrites for WritingSession {
    async fn insert_audit(&mut self, entry: &AuditEntry) -> StoreResult<()> {
        // The transaction keeps everybody else from writing, so the end of the chain is asked for once in each, and
        // written down once, by the writer before the commit.
        let head = match self.audit_head.take() {
            Some(head) => head,
            None => self.audit_chain().await?,
        };
        let row = entry.chained(head.head_id + 1, &head.head_hash);
        self.query(
            "INSERT INTO audit_log (id, user_id, username, actor_kind, actor_id, action, target_type, target_id,
                                    detail, ip, network_id, created_at, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(row.id)
        .bind(row.user_id.as_ref().map(UserId::as_str))
        .bind(&row.username)
        .bind(&row.actor_kind)
        .bind(&row.actor_id)
        .bind(&row.action)
        .bind(&row.target_type)
        .bind(&row.target_id)
        .bind(&row.detail)
        .bind(&row.ip)
        .bind(row.network_id.as_ref().map(NetworkId::as_str))
        .bind(row.created_at.as_millis())
        .bind(&row.hash)
        .put_off()
        .await?;
        self.audit_head = Some(AuditChain { head_id: row.id, head_hash: row.hash, ..head });
        Ok(())
    }

    async fn archive_audit(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        let rows = self
            .query(
                "INSERT INTO audit_archive (id, user_id, username, actor_kind, actor_id, action, target_type, target_id,
                                            detail, ip, network_id, created_at, hash)
                 SELECT id, user_id, username, actor_kind, actor_id, action, target_type, target_id, detail, ip,
                        network_id, created_at, hash
                 FROM audit_log WHERE created_at < $1 ORDER BY id LIMIT $2
                 RETURNING id",
            )
            .bind(before.as_millis())
            .bind(i64::from(limit))
            .fetch_all()
            .await?;
        if let Some(last) = rows.last() {
            // Exactly those, because they were taken in the order of their ids.
            self.query("DELETE FROM audit_log WHERE created_at < $1 AND id <= $2")
                .bind(before.as_millis())
                .bind(last.try_get::<i64, _>("id")?)
                .put_off()
                .await?;
        }
        Ok(rows.len() as u64)
    }
}

impl WritingSession {
    /// Writes the end of the chain down, if this transaction has moved it.
    pub(super) async fn save_audit_head(&mut self) -> StoreResult<()> {
        let Some(AuditChain { head_id, head_hash, .. }) = self.audit_head.take() else { return Ok(()) };
        self.query("UPDATE audit_chain SET head_id = $1, head_hash = $2")
            .bind(head_id)
            .bind(head_hash)
            .put_off()
            .await?;
        self.flush().await
    }
}
