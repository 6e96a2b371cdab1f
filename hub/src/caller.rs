//! Who calls, and whether that suffices.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use anet_protocol::id::{Alias, NetworkId, TokenId};
use anet_protocol::rest::{ErrorCode, Network, User};
use anet_protocol::role::{
    ApiScope, CredentialKind, NetworkRole, Operation, Standing, SystemRole, kind_suffices, permits,
};
use anet_protocol::time::Timestamp;
use anet_protocol::token;
use secrecy::{ExposeSecret as _, SecretString};

use crate::admin::reads::AdminReads;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::events::Channel;
use crate::hub::Hub;
use crate::settings::Settings;
use crate::store::{BoundNode, Reads, Scope, StoredToken, TokenKey};

/// What the token of a node does that is gone, or never was.
const READS_WITHOUT_NODE: [Operation; 4] =
    [Operation::ReadOwnAccount, Operation::ReadNetwork, Operation::Listen, Operation::WorkAsNode];

/// The owner of a token that the hub knows.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub credential: CredentialKind,
    pub token_id: TokenId,
    pub user: User,
    /// The network the token is bound to.
    pub network_id: Option<NetworkId>,
    /// The node the token is bound to.
    pub node: Option<BoundNode>,
    /// When the token was made.
    pub token_made_at: Timestamp,
    /// When the token ends.
    pub token_ends_at: Option<Timestamp>,
    /// Where the call comes from.
    pub address: Option<IpAddr>,
    /// Nobody was asked who it is: a hub without login, called from its own machine.
    pub is_local: bool,
    /// What it has read by the rank on the hub alone.
    pub admin_reads: AdminReads,
    /// The network of its own in which its rank did not suffice.
    pub refused_in: Arc<OnceLock<NetworkId>>,
}

/// A token that the hub does not know, or no longer.
pub(crate) fn invalid_token() -> HubError {
    Refusal::new(ErrorCode::InvalidToken, "invalid token").into()
}

fn access_denied() -> HubError {
    Refusal::new(ErrorCode::AccessDenied, "access denied to requested network").into()
}

/// A token that was not used for too long, or has reached its age.
fn expired_token() -> HubError {
    Refusal::new(ErrorCode::TokenExpired, "token_expired").hint("log in again with `anet login`").into()
}

/// Whether a token still works at this moment.
pub(crate) fn check_alive(stored: &StoredToken, settings: &Settings, now: Timestamp) -> Result<(), HubError> {
    let idle = settings.login_idle;
    let is_login = stored.kind == CredentialKind::User && !stored.is_browser;
    let used = stored.last_used_at.unwrap_or(stored.created_at);
    let is_idle = is_login && !idle.is_zero() && used.plus(idle) <= now;
    if is_idle || stored.expires_at.is_some_and(|end| end <= now) { Err(expired_token()) } else { Ok(()) }
}

impl Caller {
    /// Finds out whose token it is.
    pub(crate) async fn identify(hub: &Hub, token: &SecretString, client: &Client) -> Result<Self, HubError> {
        // What cannot be a token costs no look-up.
        if !hub.is_legacy_token(token) {
            token::parse_access(token.expose_secret()).map_err(|_| invalid_token())?;
        }
        let digest = token::digest(token.expose_secret());
        let mut reads = hub.read().await?;
        let mut stored = reads.token(TokenKey::Digest(&digest)).await?;
        if stored.is_none() && hub.settings().session_secret.is_some() {
            let digest = hub.session_digest(token.expose_secret());
            stored = reads.token(TokenKey::Digest(&digest)).await?;
        }
        drop(reads);
        Self::admit(hub, stored.ok_or_else(invalid_token)?, client)
    }

    /// Whoever has got a ticket with this token.
    pub(crate) async fn by_ticket(hub: &Hub, ticket: &str, client: &Client) -> Result<Self, HubError> {
        let token_id = hub.live().tickets.take(ticket, hub.now()).ok_or_else(invalid_token)?;
        let stored = hub.read().await?.token(TokenKey::Id(&token_id)).await?.ok_or_else(invalid_token)?;
        Self::admit(hub, stored, client)
    }

    fn admit(hub: &Hub, stored: StoredToken, client: &Client) -> Result<Self, HubError> {
        let now = hub.now();
        check_alive(&stored, hub.settings(), now)?;
        hub.live().uses.note(&stored, client.address, now);
        Ok(Self::of(stored, client.address))
    }

    pub(crate) fn of(stored: StoredToken, address: Option<IpAddr>) -> Self {
        Self {
            credential: stored.kind,
            token_id: stored.token_id,
            user: stored.user,
            network_id: stored.network_id,
            node: stored.node,
            token_made_at: stored.created_at,
            token_ends_at: stored.expires_at,
            address,
            is_local: false,
            admin_reads: AdminReads::default(),
            refused_in: Arc::default(),
        }
    }

    /// The name others know the caller by: the alias of a node, the user name of a person.
    pub(crate) fn name(&self) -> &str {
        self.node.as_ref().map_or(&self.user.username, |node| node.alias.as_str())
    }

    /// Whose idempotency keys the caller uses.
    pub(crate) fn sender_id(&self) -> &str {
        self.node.as_ref().map_or(self.user.user_id.as_str(), |node| node.node_id.as_str())
    }

    /// Where the caller hears of answers.
    pub(crate) fn channel(&self, network_id: &NetworkId) -> Channel {
        match &self.node {
            Some(node) => Channel::node(network_id, &node.alias),
            None => Channel::user(network_id, &self.user.username),
        }
    }

    /// Whether the caller may do `operation` in the network, by what it is at this moment.
    pub(crate) async fn authorize(
        &self,
        reads: &mut dyn Reads,
        network_id: &NetworkId,
        operation: Operation,
    ) -> Result<(), HubError> {
        if self.network_id.as_ref().is_some_and(|bound| bound != network_id) {
            return Err(access_denied());
        }
        let standing = reads.standing(&self.token_id, Some(network_id)).await?.ok_or_else(invalid_token)?;
        let rank = standing.rank();
        let judged = self.judge(standing.system, rank, operation);
        match (&judged, rank) {
            (Ok(()), None) if reads.network(network_id).await?.is_none() => return Err(access_denied()),
            (Ok(()), None) => self.admin_reads.note(Some(network_id)),
            // Set once: the first refusal is the one that counts.
            (Err(_), Some(_)) => drop(self.refused_in.set(network_id.clone())),
            _ => {}
        }
        judged
    }

    /// Whether the caller may do `operation`, which concerns no network, by what it is at this moment.
    pub(crate) async fn authorize_account(&self, reads: &mut dyn Reads, operation: Operation) -> Result<(), HubError> {
        let standing = reads.standing(&self.token_id, None).await?.ok_or_else(invalid_token)?;
        if self.is_local && operation == Operation::ManageCredentials {
            // What was made here would still let in once people have to log in.
            return Err(Refusal::new(ErrorCode::UserTokenRequired, "user_token_required")
                .message("passwords, keys and logins are for those who have logged in")
                .hint("log in with `anet login`, though this hub does not ask for it")
                .into());
        }
        self.judge(standing.system, None, operation)
    }

    /// Whether the caller looks after the hub at this moment.
    pub(crate) async fn authorize_admin(&self, reads: &mut dyn Reads) -> Result<(), HubError> {
        match self.authorize_account(reads, Operation::Administer).await {
            Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::AccessDenied => {
                Err(Refusal::new(ErrorCode::AdminRequired, "admin required").into())
            }
            outcome => outcome,
        }
    }

    /// Whether the caller's rank on the hub suffices for `operation` in every network.
    pub(crate) fn reads_everything(&self, operation: Operation) -> bool {
        self.network_id.is_none() && self.judge(self.user.role, None, operation).is_ok()
    }

    fn judge(&self, system: SystemRole, network: Option<NetworkRole>, operation: Operation) -> Result<(), HubError> {
        let credential = self.credential;
        let is_without_node = credential == CredentialKind::Node && self.node.is_none();
        if is_without_node && kind_suffices(credential, operation) && !READS_WITHOUT_NODE.contains(&operation) {
            return Err(Refusal::new(ErrorCode::PermissionDenied, "permission_denied")
                .message("this token is bound to no node, so it only reads")
                .into());
        }
        if permits(Standing { credential, system, network }, operation) {
            return Ok(());
        }
        if !kind_suffices(credential, operation) {
            // Not even an owner's token of this kind would do: it is the wrong kind, or reaches not so far.
            let is_key = matches!(credential, CredentialKind::Api(_) | CredentialKind::Legacy);
            let refusal = if operation == Operation::WorkAsNode {
                Refusal::new(ErrorCode::NodeTokenRequired, "node_token_required")
            } else if is_key && kind_suffices(CredentialKind::Api(ApiScope::Full), operation) {
                Refusal::new(ErrorCode::PermissionDenied, "permission_denied")
                    .message("the scope of this API key does not reach so far")
            } else {
                Refusal::new(ErrorCode::UserTokenRequired, "user_token_required")
            };
            return Err(refusal.into());
        }
        if network.is_none() {
            return Err(access_denied());
        }
        Err(Refusal::new(ErrorCode::PermissionDenied, "permission_denied").into())
    }

    /// The one network a change is to happen in, with the permission for it.
    pub(crate) async fn network_for(
        &self,
        reads: &mut dyn Reads,
        requested: Option<&NetworkId>,
        operation: Operation,
    ) -> Result<NetworkId, HubError> {
        // A bound token means its own network, whatever the request says (commhub-http §3.7).
        if let Some(network_id) = self.network_id.as_ref().or(requested) {
            self.authorize(reads, network_id, operation).await?;
            return Ok(network_id.clone());
        }
        let standing = reads.standing(&self.token_id, None).await?.ok_or_else(invalid_token)?;
        let [(only, rank)] = &standing.memberships[..] else {
            return Err(Refusal::new(
                ErrorCode::NetworkIdRequired,
                "network_id required for user token when multiple networks are available",
            )
            .into());
        };
        self.judge(standing.system, Some(*rank), operation)?;
        Ok(only.clone())
    }

    /// The networks a question is about: the one asked for, else all that the caller may read.
    pub(crate) async fn scope(&self, reads: &mut dyn Reads, requested: Option<&NetworkId>) -> Result<Scope, HubError> {
        if let Some(network_id) = self.network_id.as_ref().or(requested) {
            self.authorize(reads, network_id, Operation::ReadNetwork).await?;
            return Ok(Scope::Networks(vec![network_id.clone()]));
        }
        if self.reads_everything(Operation::ReadNetwork) {
            self.admin_reads.note(None);
            return Ok(Scope::All);
        }
        let networks = reads.memberships(&self.user.user_id).await?;
        let readable =
            |network: &Network| self.judge(self.user.role, network.member_role, Operation::ReadNetwork).is_ok();
        Ok(Scope::Networks(networks.into_iter().filter(readable).map(|network| network.network_id).collect()))
    }

    /// The node that the caller works as, with its network and the permission to work there.
    pub(crate) async fn working_node(&self, reads: &mut dyn Reads) -> Result<(NetworkId, BoundNode), HubError> {
        let (Some(network_id), Some(node)) = (&self.network_id, &self.node) else {
            return Err(Refusal::new(ErrorCode::NodeTokenRequired, "node_token_required")
                .message("this token is bound to no node")
                .hint("make one with POST /api/auth/node-token")
                .into());
        };
        self.authorize(reads, network_id, Operation::WorkAsNode).await?;
        Ok((network_id.clone(), node.clone()))
    }

    /// Whether the caller is the node of this alias in this network.
    pub(crate) fn is_node(&self, network_id: &NetworkId, alias: &Alias) -> bool {
        self.network_id.as_ref() == Some(network_id) && self.node.as_ref().is_some_and(|node| node.alias == *alias)
    }
}
