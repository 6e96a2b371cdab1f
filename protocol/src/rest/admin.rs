use serde::{Deserialize, Serialize};

use super::{PageEnd, RegistrationPolicy, User};
use crate::id::{NetworkId, UserId};
use crate::role::{NetworkRole, SystemRole};
use crate::time::Timestamp;

/// An account, as the hub's administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserRow {
    /// The account.
    #[serde(flatten)]
    pub user: User,
    /// When it was made.
    pub created_at: Timestamp,
    /// Wrong passwords since the last right one.
    pub failed_logins: u64,
    /// Until when no password is tried.
    pub login_delayed_until: Option<Timestamp>,
}

/// `GET /api/users`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserList {
    /// Oldest first.
    pub users: Vec<UserRow>,
}

/// The answer to `POST /api/admin/users/:user_id/reset`: a password to hand over, shown this once. Every login, browser
/// session and API key that is bound to no network is ended; nodes run on.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PasswordReset {
    /// Whose.
    pub user_id: UserId,
    /// The login name.
    pub username: String,
    /// A random password, to be changed.
    pub password: String,
    /// How many logins and keys were ended.
    pub revoked: u64,
}

/// `PUT /api/admin/users/:user_id/role`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSystemRole {
    /// The new rank on the hub.
    pub role: SystemRole,
}

/// `PUT /api/admin/registration`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRegistration {
    /// Who may make an account from now on.
    pub policy: RegistrationPolicy,
}

/// The answer to it, and `GET /api/admin/registration`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Registration {
    /// Who may make an account.
    pub policy: RegistrationPolicy,
}

/// `POST /api/admin/invites`: an invite to the hub. It works once.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSystemInvite {
    /// The rank on the hub; `user` when absent.
    #[serde(default)]
    pub role: Option<SystemRole>,
    /// A network of the caller's that the new account is a member of at once.
    #[serde(default)]
    pub network_id: Option<NetworkId>,
    /// The rank there; `member` when absent, never `owner`.
    #[serde(default)]
    pub network_role: Option<NetworkRole>,
    /// It works for so many days, 1 to 365; 7 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365)]
    pub expires_days: Option<u32>,
}

/// `GET /api/audit-log`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 10_000)]
    pub limit: Option<u32>,
    /// Only this action.
    #[serde(default)]
    pub action: Option<String>,
    /// Only of this person, by id; for the hub's and a network's administrators.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// Only of this person, by name.
    #[serde(default)]
    pub username: Option<String>,
    /// The lines of this network, for its owner and admins. Without it, a hub's administrator reads all lines and
    /// everybody else the own ones.
    #[serde(default)]
    pub network_id: Option<NetworkId>,
    /// From this time on.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    #[serde(default)]
    #[param(pattern = "^-?[0-9]+$")]
    pub cursor: Option<String>,
    /// What came after this line, oldest first: for those who follow.
    #[serde(default)]
    pub after: Option<i64>,
    /// `json`, `jsonl` or `csv`; `json` when absent.
    #[serde(default)]
    pub format: Option<AuditFormat>,
}

/// How the audit log is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditFormat {
    /// One document.
    Json,
    /// One line of JSON per row, up to 10,000.
    Jsonl,
    /// RFC 4180, with a header, up to 10,000 rows.
    Csv,
}

/// A line of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditRow {
    /// Grows, and is never given twice.
    pub id: i64,
    /// Who did it; absent when nobody was known.
    pub user_id: Option<UserId>,
    /// The name that was used, of a failed login too.
    pub username: Option<String>,
    /// `user`, `node`, `api`, `legacy`, `local` where nobody is asked to log in, `console` or `anonymous`.
    pub actor_kind: String,
    /// The token's row, or `pid … uid …` of the hub's own console.
    pub actor_id: Option<String>,
    /// What was done.
    pub action: String,
    /// `user`, `auth`, `network`, `token`, `node`, `task`, `invite`, `session`, `hub`.
    pub target_type: String,
    /// To what.
    pub target_id: Option<String>,
    /// More about it, never a secret.
    pub detail: Option<String>,
    /// Where from.
    pub ip: Option<String>,
    /// In which network.
    pub network_id: Option<NetworkId>,
    /// When.
    pub created_at: Timestamp,
    /// SHA-256 over this row and the hash of the row before.
    pub hash: String,
}

/// A page of the audit log, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditList {
    /// The rows.
    pub logs: Vec<AuditRow>,
    /// How many rows.
    pub count: usize,
    /// Where the next page begins.
    #[serde(flatten)]
    pub page: PageEnd,
}

/// The query of `GET /api/audit-log/verify`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyAudit {
    /// A `head` of before, as `ID:HASH`, kept where nobody who can write to the database can change it.
    #[serde(default)]
    pub anchor: Option<String>,
}

/// Whether the audit log is as it was written.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditVerified {
    /// Every row is there, unchanged.
    pub intact: bool,
    /// How many rows were looked at, archived ones included.
    pub rows: u64,
    /// The last row, as `ID:HASH`: keep it to have a later look check against it.
    pub head: Option<String>,
    /// The first row that is not as it was written, and what is wrong with it.
    pub problem: Option<String>,
}
