use anet_protocol::id::{NetworkId, NodeId, TokenId, UserId};
use anet_protocol::role::{CredentialKind, NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::accounts::user;
use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::store::{
    BoundNode, NewToken, StoreResult, StoredRefresh, StoredToken, TokenKey, TokenReads, TokenRow, TokenStanding,
    TokenUse, TokenWrites,
};

fn kind(row: &SqliteRow) -> Result<CredentialKind, sqlx::Error> {
    let scope: String = row.try_get("scope")?;
    decode::word(row, "kind", |kind| CredentialKind::parse(kind, &scope))
}

fn token(row: &SqliteRow) -> Result<StoredToken, sqlx::Error> {
    let node_id: Option<NodeId> = decode::optional_text(row, "node_id")?;
    let alias = decode::optional_text(row, "alias")?;
    Ok(StoredToken {
        token_id: decode::text(row, "token_id")?,
        kind: kind(row)?,
        user: user(row)?,
        network_id: decode::optional_text(row, "network_id")?,
        node: node_id.zip(alias).map(|(node_id, alias)| BoundNode { node_id, alias }),
        expires_at: decode::optional_time(row, "expires_at")?,
        last_used_at: decode::optional_time(row, "last_used_at")?,
        created_at: decode::time(row, "token_created_at")?,
        is_browser: row.try_get("is_browser")?,
    })
}

fn token_row(row: &SqliteRow) -> Result<TokenRow, sqlx::Error> {
    Ok(TokenRow {
        token_id: decode::text(row, "token_id")?,
        name: row.try_get("name")?,
        kind: kind(row)?,
        network_id: decode::optional_text(row, "network_id")?,
        node_id: decode::optional_text(row, "node_id")?,
        client_label: row.try_get("client_label")?,
        user_agent: row.try_get("user_agent")?,
        last_address: row.try_get("last_address")?,
        last_used_at: decode::optional_time(row, "last_used_at")?,
        created_at: decode::time(row, "created_at")?,
        expires_at: decode::optional_time(row, "expires_at")?,
        refreshable_until: decode::optional_time(row, "refreshable_until")?,
    })
}

fn token_ids(rows: &[SqliteRow]) -> StoreResult<Vec<TokenId>> {
    Ok(rows.iter().map(|row| decode::text(row, "token_id")).collect::<Result<_, _>>()?)
}

#[async_trait]
impl<C: Holder> TokenReads for Session<C> {
    async fn token(&mut self, key: TokenKey<'_>) -> StoreResult<Option<StoredToken>> {
        let (digest, token_id) = match key {
            TokenKey::Digest(digest) => (Some(digest), None),
            TokenKey::Id(token_id) => (None, Some(token_id.as_str())),
        };
        let row = self
            .query(
                "SELECT t.token_id, t.kind, t.scope, t.network_id, t.node_id, t.expires_at, t.last_used_at,
                        t.created_at AS token_created_at, n.alias, u.user_id, u.username, u.display_name, u.email,
                        u.role, u.must_change_password,
                        EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.token_id = t.token_id) AS is_browser
                 FROM api_tokens t JOIN users u ON u.user_id = t.user_id LEFT JOIN nodes n ON n.node_id = t.node_id
                 WHERE t.digest = $1 OR t.token_id = $2",
            )
            .bind(digest)
            .bind(token_id)
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(token).transpose()?)
    }

    async fn standing(
        &mut self,
        token_id: &TokenId,
        network_id: Option<&NetworkId>,
    ) -> StoreResult<Option<TokenStanding>> {
        let network_id = network_id.map(NetworkId::as_str);
        let rows = self
            .query(
                "SELECT u.role AS system_role, m.network_id, m.role AS network_role
                 FROM api_tokens t JOIN users u ON u.user_id = t.user_id
                 LEFT JOIN network_members m ON m.user_id = t.user_id AND m.network_id = COALESCE($1, m.network_id)
                 WHERE t.token_id = $2 LIMIT 2",
            )
            .bind(network_id)
            .bind(token_id.as_str())
            .fetch_all()
            .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let system = decode::word(first, "system_role", SystemRole::parse)?;
        let mut memberships = Vec::new();
        for row in &rows {
            if let Some(network_id) = decode::optional_text(row, "network_id")? {
                memberships.push((network_id, decode::word(row, "network_role", NetworkRole::parse)?));
            }
        }
        Ok(Some(TokenStanding { system, memberships }))
    }

    async fn tokens_of_user(&mut self, user_id: &UserId) -> StoreResult<Vec<TokenRow>> {
        let rows = self
            .query(
                "SELECT t.*, (SELECT MAX(r.expires_at) FROM refresh_tokens r WHERE r.token_id = t.token_id)
                            AS refreshable_until
                 FROM api_tokens t WHERE t.user_id = $1 ORDER BY t.created_at DESC, t.rowid DESC",
            )
            .bind(user_id.as_str())
            .fetch_all()
            .await?;
        Ok(rows.iter().map(token_row).collect::<Result<_, _>>()?)
    }

    async fn refresh_token(&mut self, digest: &str) -> StoreResult<Option<StoredRefresh>> {
        let row = self
            .query(
                "SELECT r.token_id, r.spent, r.expires_at, t.user_id
                 FROM refresh_tokens r JOIN api_tokens t ON t.token_id = r.token_id WHERE r.digest = $1",
            )
            .bind(digest)
            .fetch_optional()
            .await?;
        let read = |row: SqliteRow| -> Result<StoredRefresh, sqlx::Error> {
            Ok(StoredRefresh {
                token_id: decode::text(&row, "token_id")?,
                user_id: decode::text(&row, "user_id")?,
                spent: row.try_get("spent")?,
                expires_at: decode::time(&row, "expires_at")?,
            })
        };
        Ok(row.map(read).transpose()?)
    }

    async fn access_revision(&mut self) -> StoreResult<i64> {
        Ok(self.query("SELECT revision FROM access_revision").fetch_one().await?.try_get("revision")?)
    }

    async fn dead_tokens(&mut self, now: Timestamp, idle_since: Timestamp, limit: u32) -> StoreResult<Vec<TokenId>> {
        let rows = self
            .query(
                "SELECT token_id FROM api_tokens t
                 WHERE NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.token_id = t.token_id AND r.expires_at > $1)
                   AND (t.expires_at <= $1 OR (t.kind = 'user' AND COALESCE(t.last_used_at, t.created_at) <= $2))
                 LIMIT $3",
            )
            .bind(now.as_millis())
            .bind(idle_since.as_millis())
            .bind(i64::from(limit))
            .fetch_all()
            .await?;
        token_ids(&rows)
    }
}

#[async_trait]
impl TokenWrites for WritingSession {
    async fn insert_token(&mut self, token: &NewToken) -> StoreResult<()> {
        self.query(
            "INSERT INTO api_tokens (token_id, digest, kind, scope, name, user_id, network_id, node_id, client_label,
                                     user_agent, last_address, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(token.token_id.as_str())
        .bind(&token.digest)
        .bind(token.kind.as_str())
        .bind(token.kind.scope())
        .bind(&token.name)
        .bind(token.user_id.as_str())
        .bind(token.network_id.as_ref().map(NetworkId::as_str))
        .bind(token.node_id.as_ref().map(NodeId::as_str))
        .bind(&token.client_label)
        .bind(&token.user_agent)
        .bind(&token.address)
        .bind(token.created_at.as_millis())
        .bind(token.expires_at.map(Timestamp::as_millis))
        .put_off()
        .await
    }

    async fn touch_token(&mut self, usage: &TokenUse) -> StoreResult<()> {
        self.query(
            "UPDATE api_tokens SET last_used_at = $1, last_address = COALESCE($2, last_address) WHERE token_id = $3",
        )
        .bind(usage.at.as_millis())
        .bind(&usage.address)
        .bind(usage.token_id.as_str())
        .put_off()
        .await
    }

    async fn delete_token(&mut self, token_id: &TokenId) -> StoreResult<()> {
        self.query("DELETE FROM api_tokens WHERE token_id = $1").bind(token_id.as_str()).put_off().await
    }

    async fn delete_tokens_of_node(&mut self, node_id: &NodeId) -> StoreResult<Vec<TokenId>> {
        let rows = self
            .query("DELETE FROM api_tokens WHERE node_id = $1 RETURNING token_id")
            .bind(node_id.as_str())
            .fetch_all()
            .await?;
        token_ids(&rows)
    }

    async fn unbind_tokens_of_node(&mut self, node_id: &NodeId) -> StoreResult<()> {
        self.query("UPDATE api_tokens SET node_id = NULL WHERE node_id = $1").bind(node_id.as_str()).put_off().await
    }

    async fn delete_logins(&mut self, user_id: &UserId, keep: Option<&TokenId>) -> StoreResult<Vec<TokenId>> {
        let rows = self
            .query(
                "DELETE FROM api_tokens WHERE user_id = $1 AND network_id IS NULL AND token_id <> COALESCE($2, '')
                 RETURNING token_id",
            )
            .bind(user_id.as_str())
            .bind(keep.map(TokenId::as_str))
            .fetch_all()
            .await?;
        token_ids(&rows)
    }

    async fn delete_tokens_in_network(
        &mut self,
        user_id: &UserId,
        network_id: &NetworkId,
    ) -> StoreResult<Vec<TokenId>> {
        let rows = self
            .query("DELETE FROM api_tokens WHERE user_id = $1 AND network_id = $2 RETURNING token_id")
            .bind(user_id.as_str())
            .bind(network_id.as_str())
            .fetch_all()
            .await?;
        token_ids(&rows)
    }

    async fn renew_session(
        &mut self,
        token_id: &TokenId,
        digest: &str,
        expires_at: Timestamp,
        used: &TokenUse,
    ) -> StoreResult<()> {
        self.query("UPDATE api_tokens SET digest = $1, expires_at = $2 WHERE token_id = $3")
            .bind(digest)
            .bind(expires_at.as_millis())
            .bind(token_id.as_str())
            .put_off()
            .await?;
        self.query("UPDATE refresh_tokens SET spent = 1 WHERE token_id = $1").bind(token_id.as_str()).put_off().await?;
        self.touch_token(used).await
    }

    async fn insert_refresh(&mut self, digest: &str, token_id: &TokenId, expires_at: Timestamp) -> StoreResult<()> {
        self.query("INSERT INTO refresh_tokens (digest, token_id, spent, expires_at) VALUES ($1, $2, 0, $3)")
            .bind(digest)
            .bind(token_id.as_str())
            .bind(expires_at.as_millis())
            .put_off()
            .await
    }
}
