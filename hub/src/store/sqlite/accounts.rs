use anet_protocol::id::UserId;
use anet_protocol::rest::User;
use anet_protocol::role::SystemRole;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::store::{AccountReads, AccountWrites, StoreResult, StoredPassword, StoredUser};

/// A user, where the row has the columns of `users`.
pub(super) fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    Ok(User {
        user_id: decode::text(row, "user_id")?,
        username: decode::text(row, "username")?,
        display_name: row.try_get("display_name")?,
        email: row.try_get("email")?,
        role: decode::word(row, "role", SystemRole::parse)?,
        must_change_password: row.try_get("must_change_password")?,
    })
}

fn stored(row: &SqliteRow) -> Result<StoredUser, sqlx::Error> {
    Ok(StoredUser {
        user: user(row)?,
        password: StoredPassword { scheme: row.try_get("password_scheme")?, hash: row.try_get("password_hash")? },
        created_at: decode::time(row, "created_at")?,
    })
}

#[async_trait]
impl<C: Holder> AccountReads for Session<C> {
    async fn has_users(&mut self) -> StoreResult<bool> {
        let row = self.query("SELECT EXISTS (SELECT 1 FROM users) AS found").fetch_one().await?;
        Ok(row.try_get("found")?)
    }

    async fn user_by_name(&mut self, username: &str, key: &str) -> StoreResult<Option<StoredUser>> {
        let row = self
            .query(
                "SELECT * FROM users WHERE username = $1 OR name_key = $2
                 ORDER BY CASE WHEN username = $1 THEN 0 ELSE 1 END LIMIT 1",
            )
            .bind(username)
            .bind(key)
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(stored).transpose()?)
    }

    async fn user(&mut self, user_id: &UserId) -> StoreResult<Option<StoredUser>> {
        let row = self.query("SELECT * FROM users WHERE user_id = $1").bind(user_id.as_str()).fetch_optional().await?;
        Ok(row.as_ref().map(stored).transpose()?)
    }

    async fn users(&mut self) -> StoreResult<Vec<StoredUser>> {
        let rows = self.query("SELECT * FROM users ORDER BY created_at, user_id").fetch_all().await?;
        Ok(rows.iter().map(stored).collect::<Result<_, _>>()?)
    }

    async fn setting(&mut self, name: &str) -> StoreResult<Option<String>> {
        let row = self.query("SELECT value FROM hub_settings WHERE name = $1").bind(name).fetch_optional().await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }
}

#[async_trait]
impl AccountWrites for WritingSession {
    async fn insert_user(&mut self, stored: &StoredUser, key: &str) -> StoreResult<bool> {
        let user = &stored.user;
        let inserted = self
            .query(
                "INSERT INTO users (user_id, username, name_key, display_name, email, role, password_scheme,
                                    password_hash, must_change_password, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING user_id",
            )
            .bind(user.user_id.as_str())
            .bind(&user.username)
            .bind(key)
            .bind(&user.display_name)
            .bind(&user.email)
            .bind(user.role.as_str())
            .bind(stored.password.scheme)
            .bind(&stored.password.hash)
            .bind(user.must_change_password)
            .bind(stored.created_at.as_millis())
            .fetch_optional()
            .await?;
        Ok(inserted.is_some())
    }

    async fn set_password(
        &mut self,
        user_id: &UserId,
        password: &StoredPassword,
        must_change: bool,
    ) -> StoreResult<()> {
        self.query(
            "UPDATE users SET password_scheme = $1, password_hash = $2, must_change_password = $3 WHERE user_id = $4",
        )
        .bind(password.scheme)
        .bind(&password.hash)
        .bind(must_change)
        .bind(user_id.as_str())
        .put_off()
        .await
    }

    async fn set_profile(&mut self, user: &User) -> StoreResult<()> {
        self.query("UPDATE users SET display_name = $1, email = $2 WHERE user_id = $3")
            .bind(&user.display_name)
            .bind(&user.email)
            .bind(user.user_id.as_str())
            .put_off()
            .await
    }

    async fn set_system_role(&mut self, user_id: &UserId, role: SystemRole) -> StoreResult<()> {
        self.query("UPDATE users SET role = $1 WHERE user_id = $2")
            .bind(role.as_str())
            .bind(user_id.as_str())
            .put_off()
            .await
    }

    async fn set_recovery(&mut self, user_id: &UserId, digest: Option<&str>) -> StoreResult<()> {
        self.query("UPDATE users SET recovery_digest = $1 WHERE user_id = $2")
            .bind(digest)
            .bind(user_id.as_str())
            .put_off()
            .await
    }

    async fn take_recovery(&mut self, user_id: &UserId, digest: &str) -> StoreResult<bool> {
        let taken = self
            .query(
                "UPDATE users SET recovery_digest = NULL WHERE user_id = $1 AND recovery_digest = $2 RETURNING user_id",
            )
            .bind(user_id.as_str())
            .bind(digest)
            .fetch_optional()
            .await?;
        Ok(taken.is_some())
    }

    async fn set_setting(&mut self, name: &str, value: &str) -> StoreResult<()> {
        self.query("INSERT INTO hub_settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2")
            .bind(name)
            .bind(value)
            .put_off()
            .await
    }
}
