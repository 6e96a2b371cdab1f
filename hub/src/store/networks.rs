use anet_protocol::id::{InviteId, NetworkId, TokenId, UserId};
use anet_protocol::rest::{Invite, Member, Network, NetworkStats};
use anet_protocol::role::{NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// An invite to be stored.
pub(crate) struct NewInvite {
    pub invite_id: InviteId,
    pub code_digest: String,
    pub network_id: Option<NetworkId>,
    pub role: Option<NetworkRole>,
    /// Of an invite to the hub.
    pub system_role: Option<SystemRole>,
    pub max_uses: i64,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Which invites a list is of.
pub(crate) enum InvitesOf<'a> {
    Network(&'a NetworkId),
    Hub,
}

/// Questions about networks, their members and invites.
#[async_trait]
pub(crate) trait NetworkReads: Send {
    /// `member_role` is absent: it is the caller's, and nobody asks here.
    async fn network(&mut self, network_id: &NetworkId) -> StoreResult<Option<Network>>;
    /// The user's networks with the rank there, own ones first, then oldest first.
    async fn memberships(&mut self, user_id: &UserId) -> StoreResult<Vec<Network>>;
    /// Every network, oldest first.
    async fn networks(&mut self) -> StoreResult<Vec<Network>>;
    async fn owned_networks(&mut self, user_id: &UserId) -> StoreResult<u64>;
    /// Whether a person of that name is a member.
    async fn is_member(&mut self, network_id: &NetworkId, username: &str) -> StoreResult<bool>;
    /// In the order of joining.
    async fn members(&mut self, network_id: &NetworkId) -> StoreResult<Vec<Member>>;
    async fn member(&mut self, network_id: &NetworkId, user_id: &UserId) -> StoreResult<Option<Member>>;
    /// `sessions` is 0: presence knows better.
    async fn network_stats(&mut self, network_id: &NetworkId, now: Timestamp) -> StoreResult<NetworkStats>;
    async fn invite_by_code(&mut self, digest: &str) -> StoreResult<Option<Invite>>;
    async fn invite(&mut self, invite_id: &InviteId) -> StoreResult<Option<Invite>>;
    /// Newest first, up to 200.
    async fn invites(&mut self, of: InvitesOf<'_>, now: Timestamp) -> StoreResult<Vec<Invite>>;
}

/// Changes of networks, their members and invites.
#[async_trait]
pub(crate) trait NetworkWrites: Send {
    /// Creates the network with its owner as the first member; false when the owner has one of that name.
    async fn insert_network(&mut self, network: &Network) -> StoreResult<bool>;
    /// False when the owner has one of that name.
    async fn rename_network(&mut self, network_id: &NetworkId, name: &str, now: Timestamp) -> StoreResult<bool>;
    /// Makes `to` the owner and the former owner an admin; false when `to` owns one of the same name.
    async fn transfer_network(&mut self, network: &Network, to: &UserId, now: Timestamp) -> StoreResult<bool>;
    /// Removes the network with everything in it but its lines of the audit log; tells which tokens went.
    async fn delete_network(&mut self, network_id: &NetworkId) -> StoreResult<Vec<TokenId>>;
    async fn insert_member(
        &mut self,
        network_id: &NetworkId,
        user_id: &UserId,
        role: NetworkRole,
        invited_by: Option<&UserId>,
        now: Timestamp,
    ) -> StoreResult<()>;
    async fn set_member_role(&mut self, network_id: &NetworkId, user_id: &UserId, role: NetworkRole)
    -> StoreResult<()>;
    async fn delete_member(&mut self, network_id: &NetworkId, user_id: &UserId) -> StoreResult<()>;
    async fn insert_invite(&mut self, invite: &NewInvite) -> StoreResult<()>;
    /// Uses an invite once, if it still works: one statement, so that of many at once not one too many succeeds.
    async fn use_invite(&mut self, invite_id: &InviteId, now: Timestamp) -> StoreResult<bool>;
    async fn revoke_invite(&mut self, invite_id: &InviteId, now: Timestamp) -> StoreResult<()>;
}
