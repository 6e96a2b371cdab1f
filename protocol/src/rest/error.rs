use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A refusal: `{"ok":false,"error":…,"code":…}`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// Always false.
    pub ok: bool,
    /// The text upstream's clients compare with, or a sentence where upstream has none.
    pub error: String,
    /// The stable word for programs.
    pub code: ErrorCode,
    /// A sentence for people, where `error` is a bare word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Facts beside the code, such as `suggestions` or `holder`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 401: no token.
    AuthRequired,
    /// 401: a token the hub does not know, or no longer.
    InvalidToken,
    /// 401: user name and password do not go together.
    InvalidCredentials,
    /// 401: a login that was not used for too long or has reached its age; log in again.
    TokenExpired,
    /// 401: the refresh cookie of a browser session is absent, used up or too old.
    SessionExpired,
    /// 401: the recovery key does not fit.
    InvalidRecoveryKey,
    /// 403: the `Host` header names another place than this hub.
    HostNotAllowed,
    /// 403: the page that asks is not one of this hub's.
    OriginNotAllowed,
    /// 403: this hub takes no new accounts.
    RegistrationClosed,
    /// 403: a new account needs an invite, or the first one the set-up code of the hub's host.
    InviteRequired,
    /// 403: this answer is for the hub's administrators.
    AdminRequired,
    /// 403: of a login alone, not of an API key.
    SessionTokenRequired,
    /// 403: not with this role.
    PermissionDenied,
    /// 403: this network is not the caller's.
    AccessDenied,
    /// 403: a node's token on a route for people.
    UserTokenRequired,
    /// 403: a person's token on a route for nodes.
    NodeTokenRequired,
    /// 400: the body or query does not fit; `details` says where.
    InvalidInput,
    /// 400: the body is not JSON.
    InvalidJson,
    /// 400: several networks, none named.
    NetworkIdRequired,
    /// 400: the user name is taken.
    UsernameTaken,
    /// 400: the password is too weak.
    WeakPassword,
    /// 400: the old password does not fit.
    IncorrectPassword,
    /// 400: a network of that name exists.
    NetworkNameTaken,
    /// 400: enough of these exist already.
    QuotaExceeded,
    /// 400: the invite is unknown, used up, revoked or too old.
    InvalidInvite,
    /// 400: the person is a member already.
    AlreadyMember,
    /// 400: the person is no member, or the owner, who stays.
    NotAMember,
    /// 400: no person of that name or id.
    UserNotFound,
    /// 400: the new name of a node is taken or reserved.
    AliasTaken,
    /// 400: a rename that is unknown, called off, done or too old.
    RenameNotPossible,
    /// 409: the network still has agents at work.
    NetworkBusy,
    /// 409: a hub keeps at least one administrator.
    LastAdmin,
    /// 404: no route of that path.
    NotFound,
    /// 405: the path has no such method.
    MethodNotAllowed,
    /// 404: no agent of that name; nothing was stored; `suggestions` lists near names.
    AliasNotFound,
    /// 404: no such task in the caller's reach.
    TaskNotFound,
    /// 404: no such node in the caller's reach.
    NodeNotFound,
    /// 404: no such network in the caller's reach.
    NetworkNotFound,
    /// 404: no such token of the caller's.
    TokenNotFound,
    /// 404: no such login of the caller's.
    SessionNotFound,
    /// 404: no such invite in the caller's reach.
    InviteNotFound,
    /// 409: the task is over; `task_status` says how.
    TaskTerminal,
    /// 409: the answer belongs to an attempt that no longer holds the task.
    StaleAttempt,
    /// 409: another instance of this node is alive; `holder` says which.
    NodeAlreadyRunning,
    /// 409: another instance has taken this node over.
    InstanceSuperseded,
    /// 409: the node id belongs to another network or alias.
    NodeIdentityConflict,
    /// 409: the key was used for a different request.
    IdempotencyConflict,
    /// 413: the body is over the limit.
    BodyTooLarge,
    /// 415: the body is not declared as JSON.
    UnsupportedMediaType,
    /// 429: too often; `Retry-After` says how long to wait.
    RateLimited,
    /// 429: too many wrong passwords for this account; `Retry-After` says how long to wait.
    LoginDelayed,
    /// 503: the database refused the write; nothing was stored; try again.
    StorageUnavailable,
    /// 503: the hub is stopping.
    ShuttingDown,
    /// 500: a fault of the hub; the log has the cause.
    Internal,
    /// 502: the node that passes an agent's request on cannot reach the hub; whether the hub did it is unknown.
    HubUnreachable,
}

impl ErrorCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::AuthRequired
            | Self::InvalidToken
            | Self::InvalidCredentials
            | Self::TokenExpired
            | Self::SessionExpired
            | Self::InvalidRecoveryKey => 401,
            Self::PermissionDenied
            | Self::AccessDenied
            | Self::UserTokenRequired
            | Self::NodeTokenRequired
            | Self::HostNotAllowed
            | Self::OriginNotAllowed
            | Self::RegistrationClosed
            | Self::InviteRequired
            | Self::AdminRequired
            | Self::SessionTokenRequired => 403,
            Self::InvalidInput
            | Self::InvalidJson
            | Self::NetworkIdRequired
            | Self::UsernameTaken
            | Self::WeakPassword
            | Self::IncorrectPassword
            | Self::NetworkNameTaken
            | Self::QuotaExceeded
            | Self::InvalidInvite
            | Self::AlreadyMember
            | Self::NotAMember
            | Self::UserNotFound
            | Self::AliasTaken
            | Self::RenameNotPossible => 400,
            Self::NotFound
            | Self::AliasNotFound
            | Self::TaskNotFound
            | Self::NodeNotFound
            | Self::NetworkNotFound
            | Self::TokenNotFound
            | Self::SessionNotFound
            | Self::InviteNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TaskTerminal
            | Self::StaleAttempt
            | Self::NodeAlreadyRunning
            | Self::InstanceSuperseded
            | Self::NodeIdentityConflict
            | Self::NetworkBusy
            | Self::LastAdmin
            | Self::IdempotencyConflict => 409,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited | Self::LoginDelayed => 429,
            Self::StorageUnavailable | Self::ShuttingDown => 503,
            Self::Internal => 500,
            Self::HubUnreachable => 502,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_stand_beside_the_error_not_inside_it() {
        let body = ErrorBody {
            ok: false,
            error: "alias_not_found".to_owned(),
            code: ErrorCode::AliasNotFound,
            message: None,
            hint: None,
            details: Map::from_iter([("suggestions".to_owned(), serde_json::json!(["writer"]))]),
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"ok":false,"error":"alias_not_found","code":"alias_not_found","suggestions":["writer"]}"#
        );
    }
}
