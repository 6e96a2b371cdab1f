use anet_protocol::id::{NetworkId, NodeId, TokenId, UserId};
use anet_protocol::rest::{Network, User};
use anet_protocol::role::{CredentialKind, NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::store::{
    AccountReads, AccountWrites, BoundNode, NewToken, StoreResult, StoredToken, StoredUser, TokenStanding,
};

fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    Ok(User {
        user_id: decode::text(row, "user_id")?,
        username: decode::text(row, "username")?,
        display_name: row.try_get("display_name")?,
        email: row.try_get("email")?,
        role: decode::word(row, "role", SystemRole::parse)?,
        must_change_password: false,
    })
}

fn token(row: &SqliteRow) -> Result<StoredToken, sqlx::Error> {
    let node_id: Option<NodeId> = decode::optional_text(row, "node_id")?;
    let alias = decode::optional_text(row, "alias")?;
    Ok(StoredToken {
        token_id: decode::text(row, "token_id")?,
        kind: decode::word(row, "kind", |kind| {
            CredentialKind::parse(
                kind,
                match kind {
                    "user" => "user",
                    "node" => "network",
                    _ => "full",
                },
            )
        })?,
        user: user(row)?,
        network_id: decode::optional_text(row, "network_id")?,
        node: node_id.zip(alias).map(|(node_id, alias)| BoundNode { node_id, alias }),
        expires_at: decode::optional_time(row, "expires_at")?,
    })
}

#[async_trait]
impl<C: Holder> AccountReads for Session<C> {
    async fn has_users(&mut self) -> StoreResult<bool> {
        let row = self.query("SELECT EXISTS (SELECT 1 FROM users) AS found").fetch_one().await?;
        Ok(row.try_get("found")?)
    }

    async fn user_by_name(&mut self, username: &str) -> StoreResult<Option<StoredUser>> {
        let row = self
            .query("SELECT user_id, username, display_name, email, role, password_hash FROM users WHERE username = $1")
            .bind(username)
            .fetch_optional()
            .await?;
        let read = |row: SqliteRow| -> Result<StoredUser, sqlx::Error> {
            Ok(StoredUser { user: user(&row)?, password_hash: row.try_get("password_hash")? })
        };
        Ok(row.map(read).transpose()?)
    }

    async fn token(&mut self, digest: &str) -> StoreResult<Option<StoredToken>> {
        let row = self
            .query(
                "SELECT t.token_id, t.kind, t.network_id, t.node_id, t.expires_at, n.alias,
                    u.user_id, u.username, u.display_name, u.email, u.role
             FROM api_tokens t JOIN users u ON u.user_id = t.user_id LEFT JOIN nodes n ON n.node_id = t.node_id
             WHERE t.digest = $1",
            )
            .bind(digest)
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

    async fn memberships(&mut self, user_id: &UserId) -> StoreResult<Vec<Network>> {
        let rows = self
            .query(
                "SELECT n.network_id, n.network_name, n.owner_id, n.description, n.created_at, m.role
             FROM network_members m JOIN networks n ON n.network_id = m.network_id
             WHERE m.user_id = $1
             ORDER BY CASE WHEN n.owner_id = m.user_id THEN 0 ELSE 1 END, n.created_at, n.network_id",
            )
            .bind(user_id.as_str())
            .fetch_all()
            .await?;
        let read = |row: &SqliteRow| -> Result<Network, sqlx::Error> {
            Ok(Network {
                network_id: decode::text(row, "network_id")?,
                network_name: row.try_get("network_name")?,
                owner_id: decode::text(row, "owner_id")?,
                description: row.try_get("description")?,
                created_at: decode::time(row, "created_at")?,
                member_role: Some(decode::word(row, "role", NetworkRole::parse)?),
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn is_member(&mut self, network_id: &NetworkId, username: &str) -> StoreResult<bool> {
        let row = self
            .query(
                "SELECT EXISTS (SELECT 1 FROM network_members m JOIN users u ON u.user_id = m.user_id
                            WHERE m.network_id = $1 AND u.username = $2) AS found",
            )
            .bind(network_id.as_str())
            .bind(username)
            .fetch_one()
            .await?;
        Ok(row.try_get("found")?)
    }
}

#[async_trait]
impl AccountWrites for WritingSession {
    async fn insert_user(&mut self, stored: &StoredUser, created_at: Timestamp) -> StoreResult<bool> {
        let user = &stored.user;
        let inserted = self
            .query(
                "INSERT INTO users (user_id, username, display_name, email, role, password_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (username) DO NOTHING RETURNING user_id",
            )
            .bind(user.user_id.as_str())
            .bind(&user.username)
            .bind(&user.display_name)
            .bind(&user.email)
            .bind(user.role.as_str())
            .bind(&stored.password_hash)
            .bind(created_at.as_millis())
            .fetch_optional()
            .await?;
        Ok(inserted.is_some())
    }

    async fn insert_network(&mut self, network: &Network) -> StoreResult<()> {
        self.query(
            "INSERT INTO networks (network_id, network_name, owner_id, description, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(network.network_id.as_str())
        .bind(&network.network_name)
        .bind(network.owner_id.as_str())
        .bind(&network.description)
        .bind(network.created_at.as_millis())
        .bind(network.created_at.as_millis())
        .put_off()
        .await?;
        self.query("INSERT INTO network_members (network_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)")
            .bind(network.network_id.as_str())
            .bind(network.owner_id.as_str())
            .bind(NetworkRole::Owner.as_str())
            .bind(network.created_at.as_millis())
            .put_off()
            .await
    }

    async fn insert_token(&mut self, token: &NewToken) -> StoreResult<()> {
        self.query(
            "INSERT INTO api_tokens (token_id, digest, kind, name, user_id, network_id, node_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(token.token_id.as_str())
        .bind(&token.digest)
        .bind(token.kind.as_str())
        .bind(&token.name)
        .bind(token.user_id.as_str())
        .bind(token.network_id.as_ref().map(NetworkId::as_str))
        .bind(token.node_id.as_ref().map(NodeId::as_str))
        .bind(token.created_at.as_millis())
        .put_off()
        .await
    }

    async fn delete_tokens_of_node(&mut self, node_id: &NodeId) -> StoreResult<Vec<TokenId>> {
        let rows = self
            .query("DELETE FROM api_tokens WHERE node_id = $1 RETURNING token_id")
            .bind(node_id.as_str())
            .fetch_all()
            .await?;
        Ok(rows.iter().map(|row| decode::text(row, "token_id")).collect::<Result<_, _>>()?)
    }
}
