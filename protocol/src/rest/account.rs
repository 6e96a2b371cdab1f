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
    /// The password was not chosen by the person, or is weak: to be changed with `anet passwd`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_change_password: bool,
}

/// `POST /api/auth/register`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// 2 to 50 letters, digits, `_`, `-` or CJK ideographs.
    #[schema(min_length = 2, max_length = 50, pattern = r"^[A-Za-z0-9_\u4e00-\u9fff-]+$")]
    pub username: String,
    /// 8 to 128 characters.
    #[schema(min_length = 4, max_length = 128)]
    pub password: String,
    /// The mail address.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// The shown name; the user name when absent.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub display_name: Option<String>,
    /// An invite to the hub, where registration asks for one.
    #[serde(default)]
    pub invite_code: Option<String>,
    /// What stands in the file `setup-code` beside the database: proves, for the first account of a hub that
    /// others can reach, that it is made on the hub's host.
    #[serde(default)]
    pub setup_code: Option<String>,
    /// Takes a weak password, of 4 characters or more, for the first account of a hub on loopback; it is to be
    /// changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_weak: bool,
    /// The password was made for the person: it is to be changed. Heard for the first account of a hub alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_change: bool,
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
    /// The network that the invite led into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_network_id: Option<NetworkId>,
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
    /// `user`, `network`, or an API key's `full`, `agent` or `readonly`.
    pub scope: String,
    /// The token's row.
    pub token_id: TokenId,
    /// The node it is bound to.
    pub node_id: Option<NodeId>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it ends; absent for one that does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `POST /api/auth/node-token`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeTokenRequest {
    /// The network the node is to work in.
    pub network_id: NetworkId,
    /// The node's name: its alias in the network.
    #[schema(min_length = 1, max_length = 200)]
    pub node_name: String,
    /// The node's identity; the hub draws one when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^n_[A-Za-z0-9_-]{1,60}$")]
    pub node_id: Option<NodeId>,
    /// A word of the caller's by which it finds the token in its list again, should the answer never arrive: 1 to 64
    /// letters, digits, `_` or `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub label: Option<String>,
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
    /// When it ends; absent for one that does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `PUT /api/auth/me`: what is absent stays; an empty text removes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditProfile {
    /// The shown name, up to 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub display_name: Option<String>,
    /// The mail address, up to 254 characters.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: Option<String>,
}

/// The answer: the account as it is now.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserAnswer {
    /// The account.
    pub user: User,
}

/// `POST /api/auth/password`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password of now.
    pub old_password: String,
    /// The password from now on, 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    pub new_password: String,
}

/// The answer: every other login, browser session and API key that is bound to no network is ended.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PasswordChanged {
    /// How many others were ended.
    pub revoked: u64,
    /// A `utok_` in place of the one that was presented, shown this once.
    pub token: String,
    /// Its row.
    pub token_id: TokenId,
}

/// `GET /api/auth/status`: what a first screen needs to know, open to everybody.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuthStatus {
    /// `login`; `single-user` or `dev-open` where nobody needs to log in on this machine.
    pub auth: String,
    /// Who may register.
    pub registration: RegistrationPolicy,
    /// No account exists: the next one is the administrator's.
    pub setup_needed: bool,
    /// That one must show the set-up code.
    pub setup_code_needed: bool,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationPolicy {
    /// Everybody.
    Open,
    /// Who has an invite to the hub.
    Invite,
    /// Nobody.
    Closed,
}

impl RegistrationPolicy {
    /// Every policy, most open first.
    pub const ALL: [Self; 3] = [Self::Open, Self::Invite, Self::Closed];

    /// The word on the wire, in the environment and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// `POST /api/auth/recover`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recover {
    /// The login name.
    pub username: String,
    /// The `rkey_` that was shown when it was made. It works once.
    pub recovery_key: String,
    /// The password from now on.
    #[schema(min_length = 8, max_length = 128)]
    pub new_password: String,
    /// A word for this device, shown in the list of sessions.
    #[serde(default)]
    pub client_label: Option<String>,
}

/// `POST /api/auth/recovery-key`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRecoveryKey {
    /// The password of now: a stolen login alone must not become a way to keep the account.
    pub password: String,
}

/// The answer to `POST /api/auth/recovery-key`. A former key is void.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecoveryKey {
    /// An `rkey_`, shown this once.
    pub recovery_key: String,
}

/// The answer to `POST /api/auth/ticket`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ticket {
    /// A `tick_`: opens one stream as `GET /events/NAME?ticket=…`, as whoever asked for it.
    pub ticket: String,
    /// How long it works, in seconds.
    pub expires_in: u64,
}
