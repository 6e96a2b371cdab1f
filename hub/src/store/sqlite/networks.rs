use anet_protocol::id::{InviteId, NetworkId, TokenId, UserId};
use anet_protocol::rest::{Invite, Member, Network, NetworkStats};
use anet_protocol::role::{NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::store::{InvitesOf, NetworkReads, NetworkWrites, NewInvite, Scope, StoreResult, TaskReads as _};

fn network(row: &SqliteRow, member_role: Option<NetworkRole>) -> Result<Network, sqlx::Error> {
    Ok(Network {
        network_id: decode::text(row, "network_id")?,
        network_name: row.try_get("network_name")?,
        owner_id: decode::text(row, "owner_id")?,
        description: row.try_get("description")?,
        created_at: decode::time(row, "created_at")?,
        member_role,
    })
}

fn member(row: &SqliteRow) -> Result<Member, sqlx::Error> {
    Ok(Member {
        user_id: decode::text(row, "user_id")?,
        username: row.try_get("username")?,
        display_name: row.try_get("display_name")?,
        role: decode::word(row, "role", NetworkRole::parse)?,
        joined_at: decode::time(row, "joined_at")?,
        invited_by: decode::optional_text(row, "invited_by")?,
    })
}

fn invite(row: &SqliteRow) -> Result<Invite, sqlx::Error> {
    Ok(Invite {
        invite_id: decode::text(row, "invite_id")?,
        network_id: decode::optional_text(row, "network_id")?,
        role: decode::optional_word(row, "role", NetworkRole::parse)?,
        system_role: decode::optional_word(row, "system_role", SystemRole::parse)?,
        max_uses: row.try_get("max_uses")?,
        used_count: decode::number(row, "used_count")?,
        created_by: decode::text(row, "created_by")?,
        created_at: decode::time(row, "created_at")?,
        expires_at: decode::time(row, "expires_at")?,
        revoked_at: decode::optional_time(row, "revoked_at")?,
        is_open: false,
    })
}

/// Whether it works at this moment.
fn with_openness(mut invite: Invite, now: Timestamp) -> Invite {
    let left = invite.max_uses < 0 || i64::try_from(invite.used_count).is_ok_and(|used| used < invite.max_uses);
    invite.is_open = left && invite.revoked_at.is_none() && invite.expires_at > now;
    invite
}

/// What is removed with a network, in an order that no reference forbids. Tokens are removed apart, because it is told
/// which.
const REMOVALS: [&str; 11] = [
    "DELETE FROM invites WHERE network_id = $1",
    "DELETE FROM renames WHERE network_id = $1",
    "DELETE FROM messages WHERE network_id = $1",
    "DELETE FROM task_events WHERE network_id = $1",
    "DELETE FROM tasks WHERE network_id = $1",
    "DELETE FROM task_counts WHERE network_id = $1",
    "DELETE FROM events WHERE network_id = $1",
    "DELETE FROM event_floors WHERE network_id = $1",
    "DELETE FROM nodes WHERE network_id = $1",
    "DELETE FROM network_members WHERE network_id = $1",
    "DELETE FROM networks WHERE network_id = $1",
];

#[async_trait]
impl<C: Holder> NetworkReads for Session<C> {
    async fn network(&mut self, network_id: &NetworkId) -> StoreResult<Option<Network>> {
        let row = self
            .query("SELECT * FROM networks WHERE network_id = $1")
            .bind(network_id.as_str())
            .fetch_optional()
            .await?;
        Ok(row.map(|row| network(&row, None)).transpose()?)
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
        let read = |row: &SqliteRow| network(row, Some(decode::word(row, "role", NetworkRole::parse)?));
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn networks(&mut self) -> StoreResult<Vec<Network>> {
        let rows = self.query("SELECT * FROM networks ORDER BY created_at, network_id").fetch_all().await?;
        Ok(rows.iter().map(|row| network(row, None)).collect::<Result<_, _>>()?)
    }

    async fn owned_networks(&mut self, user_id: &UserId) -> StoreResult<u64> {
        let row = self
            .query("SELECT COUNT(*) AS owned FROM networks WHERE owner_id = $1")
            .bind(user_id.as_str())
            .fetch_one()
            .await?;
        Ok(decode::number(&row, "owned")?)
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

    async fn members(&mut self, network_id: &NetworkId) -> StoreResult<Vec<Member>> {
        let rows = self
            .query(
                "SELECT m.*, u.username, u.display_name FROM network_members m JOIN users u ON u.user_id = m.user_id
                 WHERE m.network_id = $1 ORDER BY m.joined_at, m.user_id",
            )
            .bind(network_id.as_str())
            .fetch_all()
            .await?;
        Ok(rows.iter().map(member).collect::<Result<_, _>>()?)
    }

    async fn member(&mut self, network_id: &NetworkId, user_id: &UserId) -> StoreResult<Option<Member>> {
        let row = self
            .query(
                "SELECT m.*, u.username, u.display_name FROM network_members m JOIN users u ON u.user_id = m.user_id
                 WHERE m.network_id = $1 AND m.user_id = $2",
            )
            .bind(network_id.as_str())
            .bind(user_id.as_str())
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(member).transpose()?)
    }

    async fn network_stats(&mut self, network_id: &NetworkId, now: Timestamp) -> StoreResult<NetworkStats> {
        let row = self
            .query(
                "SELECT (SELECT COUNT(*) FROM nodes WHERE network_id = $1) AS nodes,
                        (SELECT COUNT(*) FROM network_members WHERE network_id = $1) AS members,
                        (SELECT COUNT(*) FROM messages WHERE network_id = $1) AS messages,
                        (SELECT COUNT(*) FROM invites WHERE network_id = $1 AND revoked_at IS NULL
                                 AND expires_at > $2 AND (max_uses < 0 OR used_count < max_uses)) AS invites",
            )
            .bind(network_id.as_str())
            .bind(now.as_millis())
            .fetch_one()
            .await?;
        let tasks = self.task_counts(&Scope::Networks(vec![network_id.clone()])).await?;
        Ok(NetworkStats {
            nodes: decode::number(&row, "nodes")?,
            sessions: 0,
            tasks,
            members: decode::number(&row, "members")?,
            messages: decode::number(&row, "messages")?,
            invites: decode::number(&row, "invites")?,
        })
    }

    async fn invite_by_code(&mut self, digest: &str) -> StoreResult<Option<Invite>> {
        let row = self.query("SELECT * FROM invites WHERE code_digest = $1").bind(digest).fetch_optional().await?;
        Ok(row.as_ref().map(invite).transpose()?)
    }

    async fn invite(&mut self, invite_id: &InviteId) -> StoreResult<Option<Invite>> {
        let row =
            self.query("SELECT * FROM invites WHERE invite_id = $1").bind(invite_id.as_str()).fetch_optional().await?;
        Ok(row.as_ref().map(invite).transpose()?)
    }

    async fn invites(&mut self, of: InvitesOf<'_>, now: Timestamp) -> StoreResult<Vec<Invite>> {
        let query = match of {
            InvitesOf::Network(network_id) => self
                .query(
                    "SELECT * FROM invites WHERE network_id = $1 AND system_role IS NULL
                     ORDER BY created_at DESC, invite_id LIMIT 200",
                )
                .bind(network_id.as_str()),
            InvitesOf::Hub => self.query(
                "SELECT * FROM invites WHERE system_role IS NOT NULL ORDER BY created_at DESC, invite_id LIMIT 200",
            ),
        };
        let rows = query.fetch_all().await?;
        Ok(rows.iter().map(|row| Ok(with_openness(invite(row)?, now))).collect::<Result<_, sqlx::Error>>()?)
    }
}

#[async_trait]
impl NetworkWrites for WritingSession {
    async fn insert_network(&mut self, network: &Network) -> StoreResult<bool> {
        let inserted = self
            .query(
                "INSERT INTO networks (network_id, network_name, owner_id, description, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (owner_id, network_name) DO NOTHING RETURNING network_id",
            )
            .bind(network.network_id.as_str())
            .bind(&network.network_name)
            .bind(network.owner_id.as_str())
            .bind(&network.description)
            .bind(network.created_at.as_millis())
            .fetch_optional()
            .await?;
        if inserted.is_none() {
            return Ok(false);
        }
        let (owner, role) = (&network.owner_id, NetworkRole::Owner);
        self.insert_member(&network.network_id, owner, role, None, network.created_at).await?;
        Ok(true)
    }

    async fn rename_network(&mut self, network_id: &NetworkId, name: &str, now: Timestamp) -> StoreResult<bool> {
        // One statement, so that of two who want a name one gets it.
        let renamed = self
            .query(
                "UPDATE networks SET network_name = $1, updated_at = $2 WHERE network_id = $3
                   AND NOT EXISTS (SELECT 1 FROM networks other WHERE other.owner_id = networks.owner_id
                                   AND other.network_name = $1 AND other.network_id <> $3)
                 RETURNING network_id",
            )
            .bind(name)
            .bind(now.as_millis())
            .bind(network_id.as_str())
            .fetch_optional()
            .await?;
        Ok(renamed.is_some())
    }

    async fn transfer_network(&mut self, network: &Network, to: &UserId, now: Timestamp) -> StoreResult<bool> {
        let transferred = self
            .query(
                "UPDATE networks SET owner_id = $1, updated_at = $2 WHERE network_id = $3
                   AND NOT EXISTS (SELECT 1 FROM networks other
                                   WHERE other.owner_id = $1 AND other.network_name = networks.network_name)
                 RETURNING network_id",
            )
            .bind(to.as_str())
            .bind(now.as_millis())
            .bind(network.network_id.as_str())
            .fetch_optional()
            .await?;
        if transferred.is_none() {
            return Ok(false);
        }
        self.set_member_role(&network.network_id, &network.owner_id, NetworkRole::Admin).await?;
        self.set_member_role(&network.network_id, to, NetworkRole::Owner).await?;
        Ok(true)
    }

    async fn delete_network(&mut self, network_id: &NetworkId) -> StoreResult<Vec<TokenId>> {
        let rows = self
            .query("DELETE FROM api_tokens WHERE network_id = $1 RETURNING token_id")
            .bind(network_id.as_str())
            .fetch_all()
            .await?;
        for removal in REMOVALS {
            self.query(removal).bind(network_id.as_str()).put_off().await?;
        }
        Ok(rows.iter().map(|row| decode::text(row, "token_id")).collect::<Result<_, _>>()?)
    }

    async fn insert_member(
        &mut self,
        network_id: &NetworkId,
        user_id: &UserId,
        role: NetworkRole,
        invited_by: Option<&UserId>,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.query(
            "INSERT INTO network_members (network_id, user_id, role, invited_by, joined_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(network_id.as_str())
        .bind(user_id.as_str())
        .bind(role.as_str())
        .bind(invited_by.map(UserId::as_str))
        .bind(now.as_millis())
        .put_off()
        .await
    }

    async fn set_member_role(
        &mut self,
        network_id: &NetworkId,
        user_id: &UserId,
        role: NetworkRole,
    ) -> StoreResult<()> {
        self.query("UPDATE network_members SET role = $1 WHERE network_id = $2 AND user_id = $3")
            .bind(role.as_str())
            .bind(network_id.as_str())
            .bind(user_id.as_str())
            .put_off()
            .await
    }

    async fn delete_member(&mut self, network_id: &NetworkId, user_id: &UserId) -> StoreResult<()> {
        self.query("DELETE FROM network_members WHERE network_id = $1 AND user_id = $2")
            .bind(network_id.as_str())
            .bind(user_id.as_str())
            .put_off()
            .await
    }

    async fn insert_invite(&mut self, invite: &NewInvite) -> StoreResult<()> {
        self.query(
            "INSERT INTO invites (invite_id, code_digest, network_id, role, system_role, max_uses, used_count,
                                  created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)",
        )
        .bind(invite.invite_id.as_str())
        .bind(&invite.code_digest)
        .bind(invite.network_id.as_ref().map(NetworkId::as_str))
        .bind(invite.role.map(NetworkRole::as_str))
        .bind(invite.system_role.map(SystemRole::as_str))
        .bind(invite.max_uses)
        .bind(invite.created_by.as_str())
        .bind(invite.created_at.as_millis())
        .bind(invite.expires_at.as_millis())
        .put_off()
        .await
    }

    async fn use_invite(&mut self, invite_id: &InviteId, now: Timestamp) -> StoreResult<bool> {
        let used = self
            .query(
                "UPDATE invites SET used_count = used_count + 1
                 WHERE invite_id = $1 AND revoked_at IS NULL AND expires_at > $2
                   AND (max_uses < 0 OR used_count < max_uses)
                 RETURNING invite_id",
            )
            .bind(invite_id.as_str())
            .bind(now.as_millis())
            .fetch_optional()
            .await?;
        Ok(used.is_some())
    }

    async fn revoke_invite(&mut self, invite_id: &InviteId, now: Timestamp) -> StoreResult<()> {
        self.query("UPDATE invites SET revoked_at = COALESCE(revoked_at, $1) WHERE invite_id = $2")
            .bind(now.as_millis())
            .bind(invite_id.as_str())
            .put_off()
            .await
    }
}
