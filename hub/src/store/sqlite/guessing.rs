use anet_protocol::id::UserId;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::store::{GuessReads, GuessWrites, LimitRow, LoginFailures, StoreResult};

fn failures(row: &SqliteRow) -> Result<LoginFailures, sqlx::Error> {
    Ok(LoginFailures {
        failures: decode::number(row, "failures")?,
        delayed_until: decode::time(row, "delayed_until")?,
        failed_at: decode::time(row, "failed_at")?,
    })
}

#[async_trait]
impl<C: Holder> GuessReads for Session<C> {
    async fn login_failures(&mut self, account: &str, source: &str) -> StoreResult<Option<LoginFailures>> {
        let row = self
            .query("SELECT * FROM login_failures WHERE account = $1 AND source = $2")
            .bind(account)
            .bind(source)
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(failures).transpose()?)
    }

    async fn worst_login_failures(&mut self, account: &str) -> StoreResult<Option<LoginFailures>> {
        let row = self
            .query(
                "SELECT MAX(failures) AS failures, MAX(delayed_until) AS delayed_until, MAX(failed_at) AS failed_at
                 FROM login_failures WHERE account = $1 GROUP BY account",
            )
            .bind(account)
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(failures).transpose()?)
    }

    async fn knows_source(&mut self, user_id: &UserId, address: &str, since: Timestamp) -> StoreResult<bool> {
        let row = self
            .query(
                "SELECT EXISTS (SELECT 1 FROM login_sources WHERE user_id = $1 AND address = $2 AND used_at >= $3)
                        AS found",
            )
            .bind(user_id.as_str())
            .bind(address)
            .bind(since.as_millis())
            .fetch_one()
            .await?;
        Ok(row.try_get("found")?)
    }

    async fn rate_limits(&mut self) -> StoreResult<Vec<LimitRow>> {
        let rows = self.query("SELECT key, empty_at FROM rate_limits").fetch_all().await?;
        let read = |row: &SqliteRow| -> Result<LimitRow, sqlx::Error> {
            Ok(LimitRow { key: row.try_get("key")?, empty_at: decode::time(row, "empty_at")? })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

#[async_trait]
impl GuessWrites for WritingSession {
    async fn set_login_failures(&mut self, account: &str, source: &str, failures: LoginFailures) -> StoreResult<()> {
        self.query(
            "INSERT INTO login_failures (account, source, failures, delayed_until, failed_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (account, source) DO UPDATE SET failures = $3, delayed_until = $4, failed_at = $5",
        )
        .bind(account)
        .bind(source)
        .bind(i64::from(failures.failures))
        .bind(failures.delayed_until.as_millis())
        .bind(failures.failed_at.as_millis())
        .put_off()
        .await
    }

    async fn clear_login_failures(&mut self, account: &str, source: Option<&str>) -> StoreResult<()> {
        self.query("DELETE FROM login_failures WHERE account = $1 AND source = COALESCE($2, source)")
            .bind(account)
            .bind(source)
            .put_off()
            .await
    }

    async fn remember_source(&mut self, user_id: &UserId, address: &str, now: Timestamp) -> StoreResult<()> {
        self.query(
            "INSERT INTO login_sources (user_id, address, used_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id, address) DO UPDATE SET used_at = $3",
        )
        .bind(user_id.as_str())
        .bind(address)
        .bind(now.as_millis())
        .put_off()
        .await
    }

    async fn save_rate_limit(&mut self, limit: &LimitRow) -> StoreResult<()> {
        self.query(
            "INSERT INTO rate_limits (key, empty_at) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET empty_at = $2",
        )
        .bind(&limit.key)
        .bind(limit.empty_at.as_millis())
        .put_off()
        .await
    }

    async fn forget_attempts(&mut self, failures: Timestamp, sources: Timestamp, limits: Timestamp) -> StoreResult<()> {
        self.query("DELETE FROM login_failures WHERE failed_at < $1").bind(failures.as_millis()).put_off().await?;
        self.query("DELETE FROM login_sources WHERE used_at < $1").bind(sources.as_millis()).put_off().await?;
        self.query("DELETE FROM rate_limits WHERE empty_at < $1").bind(limits.as_millis()).put_off().await
    }
}
