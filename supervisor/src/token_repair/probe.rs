use std::time::Duration;

use anet_protocol::id::{NetworkId, NodeId, TokenId};
use anet_protocol::time::Timestamp;
use anet_protocol::token::{self, TokenKind};
use reqwest::Url;
use secrecy::ExposeSecret as _;

use super::hub_api::{Denial, DenialKind, HubApi, PATIENCE};
use super::{NodeAccount, RepairError};

/// What the hub says of a node's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It works for this node, in its network.
    Valid {
        /// Its row at the hub.
        token_id: TokenId,
        /// The network it is bound to.
        network_id: NetworkId,
        /// When it was made.
        created_at: Option<Timestamp>,
        /// When it ends; `None` for one that does not.
        expires_at: Option<Timestamp>,
    },
    /// It works, but for another node or in another network than the configuration says.
    Foreign {
        /// The node it is bound to.
        node_id: Option<NodeId>,
        /// The network it is bound to.
        network_id: Option<NetworkId>,
    },
    /// The configuration has none.
    Missing,
    /// What stands there is a person's token or an API key, which no node may use.
    WrongKind(TokenKind),
    /// What stands there is no token at all.
    Untyped,
    /// 401: the hub does not know it, or no longer. It can be repaired.
    Refused {
        /// The hub's words.
        reason: String,
    },
    /// 403, or another refusal: it is known and is not to be replaced.
    Forbidden {
        /// The hub's words.
        reason: String,
    },
    /// Nothing is known: no connection, no answer in time, 429 or 5xx.
    Unreachable {
        /// What was seen.
        reason: String,
        /// How long the hub asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Asks the hub what the node's token is good for. Nothing is changed, here or there.
///
/// # Errors
/// When the address of the node's hub is none.
pub async fn probe(account: &NodeAccount) -> Result<Probe, RepairError> {
    let hub = HubApi::new(address(account)?, PATIENCE)?;
    Ok(ask(&hub, account).await)
}

pub(super) fn address(account: &NodeAccount) -> Result<Url, RepairError> {
    let url = Url::parse(&account.hub).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| RepairError::Hub { directory: account.directory.clone(), hub: account.hub.clone() })
}

pub(super) async fn ask(hub: &HubApi, account: &NodeAccount) -> Probe {
    let Some(token) = &account.token else { return Probe::Missing };
    match token::parse(token.expose_secret()) {
        Ok(TokenKind::Node) => {}
        Ok(kind) => return Probe::WrongKind(kind),
        // A mistyped one begins like a token; the hub would refuse it, and so it is replaced.
        Err(_) if token.expose_secret().starts_with(TokenKind::Node.prefix()) => {
            return Probe::Refused { reason: "what stands there is not a whole token".to_owned() };
        }
        Err(_) => return Probe::Untyped,
    }
    let me = match hub.me(Some(token)).await {
        Ok(me) => me,
        Err(denial) => return denied(denial),
    };
    let is_of_node = me.credential.node_id.as_ref() == Some(&account.node_id);
    match me.current_network {
        Some(network_id) if is_of_node && account.network_id.as_ref().is_none_or(|known| *known == network_id) => {
            Probe::Valid {
                token_id: me.credential.token_id,
                network_id,
                created_at: me.credential.created_at,
                expires_at: me.credential.expires_at,
            }
        }
        network_id => Probe::Foreign { node_id: me.credential.node_id, network_id },
    }
}

fn denied(denial: Denial) -> Probe {
    let reason = denial.reason;
    match denial.kind {
        DenialKind::Unauthorized => Probe::Refused { reason },
        DenialKind::Forbidden | DenialKind::Refused(_) => Probe::Forbidden { reason },
        DenialKind::Passing(retry_after) => Probe::Unreachable { reason, retry_after },
    }
}
