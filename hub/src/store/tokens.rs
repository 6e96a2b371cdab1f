use anet_protocol::id::{Alias, NetworkId, NodeId, TokenId, UserId};
use anet_protocol::rest::User;
use anet_protocol::role::{CredentialKind, NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// The node that a token is bound to.
#[derive(Clone, Debug)]
pub(crate) struct BoundNode {
    pub node_id: NodeId,
    pub alias: Alias,
}

/// How a token is looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenKey<'a> {
    /// By the SHA-256 of the secret.
    Digest(&'a str),
    /// By its row.
    Id(&'a TokenId),
}

/// A token with its owner.
#[derive(Clone, Debug)]
pub(crate) struct StoredToken {
    pub token_id: TokenId,
    pub kind: CredentialKind,
    pub user: User,
    pub network_id: Option<NetworkId>,
    pub node: Option<BoundNode>,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// It belongs to a browser session, which is renewed and is not judged by its last use.
    pub is_browser: bool,
}

/// A token as its owner sees it.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub token_id: TokenId,
    pub name: String,
    pub kind: CredentialKind,
    pub network_id: Option<NetworkId>,
    pub node_id: Option<NodeId>,
    pub client_label: Option<String>,
    pub user_agent: Option<String>,
    pub last_address: Option<String>,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// When the browser session ends that it belongs to.
    pub refreshable_until: Option<Timestamp>,
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
    pub client_label: Option<String>,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl NewToken {
    /// A token that is bound to nothing and does not end.
    pub(crate) fn new(
        token_id: TokenId,
        digest: String,
        kind: CredentialKind,
        name: impl Into<String>,
        user_id: &UserId,
        created_at: Timestamp,
    ) -> Self {
        Self {
            token_id,
            digest,
            kind,
            name: name.into(),
            user_id: user_id.clone(),
            network_id: None,
            node_id: None,
            client_label: None,
            user_agent: None,
            address: None,
            created_at,
            expires_at: None,
        }
    }
}

/// What renews a browser session.
#[derive(Clone, Debug)]
pub(crate) struct StoredRefresh {
    pub token_id: TokenId,
    pub user_id: UserId,
    /// It was used before.
    pub spent: bool,
    pub expires_at: Timestamp,
}

/// When and from where a token was used, to be written down.
#[derive(Clone, Debug)]
pub(crate) struct TokenUse {
    pub token_id: TokenId,
    pub at: Timestamp,
    pub address: Option<String>,
}

/// Questions about tokens.
#[async_trait]
pub(crate) trait TokenReads: Send {
    async fn token(&mut self, key: TokenKey<'_>) -> StoreResult<Option<StoredToken>>;
    /// `None` when the token is gone.
    async fn standing(
        &mut self,
        token_id: &TokenId,
        network_id: Option<&NetworkId>,
    ) -> StoreResult<Option<TokenStanding>>;
    /// Newest first.
    async fn tokens_of_user(&mut self, user_id: &UserId) -> StoreResult<Vec<TokenRow>>;
    async fn refresh_token(&mut self, digest: &str) -> StoreResult<Option<StoredRefresh>>;
    /// Grows with every change that may take access away.
    async fn access_revision(&mut self) -> StoreResult<i64>;
    /// Up to `limit` tokens that neither work nor can be renewed.
    async fn dead_tokens(&mut self, now: Timestamp, idle_since: Timestamp, limit: u32) -> StoreResult<Vec<TokenId>>;
}

/// Changes of tokens. Those that take tokens away tell which.
#[async_trait]
pub(crate) trait TokenWrites: Send {
    async fn insert_token(&mut self, token: &NewToken) -> StoreResult<()>;
    async fn touch_token(&mut self, usage: &TokenUse) -> StoreResult<()>;
    async fn delete_token(&mut self, token_id: &TokenId) -> StoreResult<()>;
    async fn delete_tokens_of_node(&mut self, node_id: &NodeId) -> StoreResult<Vec<TokenId>>;
    /// The node goes, its tokens stay.
    async fn unbind_tokens_of_node(&mut self, node_id: &NodeId) -> StoreResult<()>;
    /// Every login, browser session and API key of the user that is bound to no network, but `keep`.
    async fn delete_logins(&mut self, user_id: &UserId, keep: Option<&TokenId>) -> StoreResult<Vec<TokenId>>;
    /// Everything of the user that is bound to the network: nodes' tokens and API keys.
    async fn delete_tokens_in_network(&mut self, user_id: &UserId, network_id: &NetworkId)
    -> StoreResult<Vec<TokenId>>;
    /// Gives a browser session another access token; former refresh tokens count as spent.
    async fn renew_session(
        &mut self,
        token_id: &TokenId,
        digest: &str,
        expires_at: Timestamp,
        used: &TokenUse,
    ) -> StoreResult<()>;
    async fn insert_refresh(&mut self, digest: &str, token_id: &TokenId, expires_at: Timestamp) -> StoreResult<()>;
}
