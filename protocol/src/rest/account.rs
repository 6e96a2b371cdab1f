use serde::{Deserialize, Serialize};

use crate::id::{NetworkId, NodeId, TokenId, UserId};
use crate::role::{NetworkRole, SystemRole};
use crate::time::Timestamp;

/// A person, as everybody who may see the person sees it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// The id.
    pub user_id: UserId,
    /// The login name.
    pub username: String,
    /// The shown name.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The rank on the hub.
    pub role: SystemRole,
}

/// `POST /api/auth/register`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// 2 to 50 letters, digits, `_`, `-` or CJK ideographs.
    pub username: String,
    /// 8 to 128 characters.
    pub password: String,
    /// The mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The shown name; the user name when absent.
    #[serde(default)]
    pub display_name: Option<String>,
}

/// The answer to a registration. Both tokens are shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Registered {
    /// The new account.
    pub user: User,
    /// A `utok_`.
    pub token: String,
    /// Its row.
    pub token_id: TokenId,
    /// A `ntok_` of the first network, as upstream answers. It is bound to no node yet.
    pub network_token: String,
    /// The network created with the account.
    pub network_id: NetworkId,
}

/// `POST /api/auth/login`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// A word for this device, shown in the list of sessions.
    #[serde(default)]
    pub client_label: Option<String>,
}

/// The answer to a login. The token is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoggedIn {
    /// The account.
    pub user: User,
    /// A `utok_`.
    pub token: String,
    /// Its row.
    pub token_id: TokenId,
    /// An owned network if any, else any membership.
    pub network_id: Option<NetworkId>,
}

/// A network and the caller's rank in it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Network {
    /// The id.
    pub network_id: NetworkId,
    /// The name, unique per owner.
    pub network_name: String,
    /// Who created it.
    pub owner_id: UserId,
    /// A line about it.
    pub description: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The caller's rank.
    pub member_role: Option<NetworkRole>,
}

/// `GET /api/auth/me`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// Who the token belongs to.
    pub user: User,
    /// The networks in reach: one for a bound token.
    pub networks: Vec<Network>,
    /// The network the token is bound to; absent for a `utok_`.
    pub current_network: Option<NetworkId>,
    /// What was presented.
    pub credential: Credential,
}

/// What a token is.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Credential {
    /// `user`, `node` or `api`.
    pub kind: String,
    /// The token's row.
    pub token_id: TokenId,
    /// The node it is bound to.
    pub node_id: Option<NodeId>,
}

/// `POST /api/auth/node-token`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeTokenRequest {
    /// The network the node is to work in.
    pub network_id: NetworkId,
    /// The node's name: its alias in the network.
    pub node_name: String,
    /// The node's identity; the hub draws one when absent.
    #[serde(default)]
    pub node_id: Option<NodeId>,
}

/// The answer: a token bound to one node, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeToken {
    /// A `ntok_`.
    pub token: String,
    /// Its row.
    pub token_id: TokenId,
    /// The node it acts for.
    pub node_id: NodeId,
}
