use serde::{Deserialize, Serialize};

use super::User;
use crate::id::{NetworkId, NodeId, TokenId};
use crate::role::ApiScope;
use crate::time::Timestamp;

/// A login that still works.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Session {
    /// The row, with which it is ended.
    pub token_id: TokenId,
    /// `cli` for a `utok_`, `browser` for cookies.
    pub kind: String,
    /// How it came about: `user-login`, `password-change`, …
    pub name: String,
    /// The device, as the client called it.
    pub client_label: Option<String>,
    /// The program, as it called itself.
    pub user_agent: Option<String>,
    /// Where it was used last.
    pub last_address: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it ends at the latest.
    pub expires_at: Option<Timestamp>,
    /// It is the one that asks.
    pub is_current: bool,
}

/// `GET /api/auth/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionList {
    /// A login that is not used for so many days ends; 0 is never.
    pub idle_timeout_days: u64,
    /// The row of the token that asks.
    pub current_token_id: TokenId,
    /// Newest first.
    pub sessions: Vec<Session>,
}

/// The answer to the end of one login.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionEnded {
    /// It was the one that asked.
    pub was_current: bool,
}

/// The answer to the end of several logins.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionsEnded {
    /// The login that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_token_id: Option<TokenId>,
    /// How many ended.
    pub revoked: u64,
}

/// The answer to `POST /api/auth/session` and `POST /api/auth/refresh`. The secrets are in cookies.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BrowserSession {
    /// The account.
    pub user: User,
    /// The row of the session, with which it is ended.
    pub token_id: TokenId,
    /// After so many seconds the session wants to be refreshed.
    pub expires_in: u64,
    /// The access token, for programs without cookies: given to callers that send no `Origin`, so no page has it.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "accessToken")]
    pub access_token: Option<String>,
}

/// `POST /api/auth/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for, 1 to 100 characters; `api-token` when absent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// How far it reaches; `full` when absent, as upstream's do.
    #[serde(default)]
    pub scope: Option<ApiScope>,
    /// The only network it reaches.
    #[serde(default)]
    pub network_id: Option<NetworkId>,
    /// It ends after so many seconds; never when absent.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 316_224_000)]
    pub expires_in: Option<u64>,
}

/// The answer: an API key, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenCreated {
    /// An `atok_`.
    pub token: String,
    /// Its row.
    pub token_id: TokenId,
    /// How far it reaches.
    pub scope: ApiScope,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A token of the caller's, without the secret.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenInfo {
    /// The row, with which it is revoked.
    pub token_id: TokenId,
    /// What it is for: `user-login`, `node:<alias>`, or what an API key was called.
    pub name: String,
    /// `user`, `node` or `api`.
    pub kind: String,
    /// `user`, `network`, or an API key's `full`, `agent` or `readonly`.
    pub scope: String,
    /// The only network it reaches.
    pub network_id: Option<NetworkId>,
    /// The node it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The word that its maker gave it: the device of a login, the repair of a node's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// `GET /api/auth/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenList {
    /// Newest first.
    pub tokens: Vec<TokenInfo>,
}

/// The answer to `DELETE /api/auth/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokensRevoked {
    /// How many API keys and other logins were revoked; nodes keep their tokens.
    pub revoked: u64,
}

/// Nothing but `ok`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Done {}
