use anet_protocol::id::{Alias, NetworkId, NodeId, TokenId, UserId};
use anet_protocol::rest::{Network, User};
use anet_protocol::role::{CredentialKind, NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// A user with the hash of the password.
pub(crate) struct StoredUser {
    pub user: User,
    /// PHC string.
    pub password_hash: String,
}

/// The node that a token is bound to.
#[derive(Clone, Debug)]
pub(crate) struct BoundNode {
    pub node_id: NodeId,
    pub alias: Alias,
}

/// A token, found by its digest.
pub(crate) struct StoredToken {
    pub token_id: TokenId,
    pub kind: CredentialKind,
    pub user: User,
    pub network_id: Option<NetworkId>,
    pub node: Option<BoundNode>,
    pub expires_at: Option<Timestamp>,
}

/// What a token's owner is at this moment.
pub(crate) struct TokenStanding {
    pub system: SystemRole,
    /// The network asked for with the rank there; if none was, up to two of the owner's networks.
    pub memberships: Vec<(NetworkId, NetworkRole)>,
}

impl TokenStanding {
    /// The rank in the network asked for.
    pub(crate) fn rank(&self) -> Option<NetworkRole> {
        self.memberships.first().map(|(_, rank)| *rank)
    }
}

/// A token to be stored.
pub(crate) struct NewToken {
    pub token_id: TokenId,
    pub digest: String,
    pub kind: CredentialKind,
    /// `user-login`, `default-network`, `node:<alias>`.
    pub name: String,
    pub user_id: UserId,
    pub network_id: Option<NetworkId>,
    pub node_id: Option<NodeId>,
    pub created_at: Timestamp,
}

/// Questions about people, tokens and networks.
#[async_trait]
pub(crate) trait AccountReads: Send {
    async fn has_users(&mut self) -> StoreResult<bool>;
    async fn user_by_name(&mut self, username: &str) -> StoreResult<Option<StoredUser>>;
    /// The token of this SHA-256 digest.
    async fn token(&mut self, digest: &str) -> StoreResult<Option<StoredToken>>;
    /// `None` when the token is gone.
    async fn standing(
        &mut self,
        token_id: &TokenId,
        network_id: Option<&NetworkId>,
    ) -> StoreResult<Option<TokenStanding>>;
    /// The user's networks with the rank there, own ones first, then oldest first.
    async fn memberships(&mut self, user_id: &UserId) -> StoreResult<Vec<Network>>;
    /// Whether a person of that name is a member.
    async fn is_member(&mut self, network_id: &NetworkId, username: &str) -> StoreResult<bool>;
}

/// Changes of people, tokens and networks.
#[async_trait]
pub(crate) trait AccountWrites: Send {
    /// False when the name is taken.
    async fn insert_user(&mut self, user: &StoredUser, created_at: Timestamp) -> StoreResult<bool>;
    /// Creates the network with its owner as the first member.
    async fn insert_network(&mut self, network: &Network) -> StoreResult<()>;
    async fn insert_token(&mut self, token: &NewToken) -> StoreResult<()>;
    /// Revokes the tokens bound to a node; tells which.
    async fn delete_tokens_of_node(&mut self, node_id: &NodeId) -> StoreResult<Vec<TokenId>>;
}
