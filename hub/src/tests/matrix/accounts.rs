use anet_protocol::role::Operation::{
    Administer, CreateKey, CreateNodeToken, CreateReadonlyKey, EditProfile, IssueTicket, LogOut, ManageCredentials,
    ReadNetworkAudit, ReadOwnAccount, ReadOwnAudit,
};

use super::row::Row;

const EVERYBODY: &str = "yyyyyy yyyyyy yy yyyyyyyy";

/// The own account, its logins and its tokens.
#[rustfmt::skip]
pub(crate) const OWN: &[Row] = &[
    // Callers: none garbage unminted expired revoked gone | owner admin member viewer stranger root
    //        | page bare | node spare full agent readonly bound elsewhere legacy
    Row::public("GET /health", "", EVERYBODY),
    Row::public("GET /api/auth/status", "", EVERYBODY),
    Row::public("POST /api/auth/register", r#"{"username":"fresh","password":"$password"}"#, EVERYBODY),
    Row::public("POST /api/auth/login", r#"{"username":"guest","password":"$password"}"#, EVERYBODY),
    Row::public("POST /api/auth/session", r#"{"username":"guest","password":"$password"}"#, EVERYBODY),
    Row::public("POST /api/auth/recover", r#"{"username":"guest","recovery_key":"$recovery","new_password":"a wholly other phrase"}"#, EVERYBODY),
    // By the refresh cookie alone.
    Row::public("POST /api/auth/refresh", "", "444444 444444 yy 44444444"),

    Row::new("GET /api/auth/me", "", ReadOwnAccount,            "444444 yyyygg yy yyyyyyg3", "$network"),
    Row::new("PUT /api/auth/me", r#"{"display_name":"Another Name"}"#, EditProfile,
                                                                "444444 yyyyyy y3 33333334", ""),
    Row::new("POST /api/auth/password", r#"{"old_password":"$password","new_password":"a wholly other phrase"}"#, ManageCredentials,
                                                                "444444 yyyyyy y3 33333334", ""),
    Row::new("POST /api/auth/recovery-key", r#"{"password":"$password"}"#, ManageCredentials,
                                                                "444444 yyyyyy y3 33333334", ""),
    Row::new("POST /api/auth/logout", "", LogOut,               "444444 yyyyyy y3 33333334", ""),
    Row::new("POST /api/auth/ticket", "", IssueTicket,          "444444 yyyyyy y3 33yyyyy4", ""),
    Row::new("POST /api/auth/node-token", r#"{"network_id":"$network","node_name":"fresh"}"#, CreateNodeToken,
                                                                "444444 yyy333 y3 33y33y34", ""),
    // A member's new token for the owner's node would be the node.
    Row::new("POST /api/auth/node-token", r#"{"network_id":"$network","node_name":"counter"}"#, CreateNodeToken,
                                                                "444444 yys333 y3 33y33y34", ""),

    Row::new("GET /api/auth/sessions", "", ManageCredentials,   "444444 yggggg yy 33333333", "$login"),
    Row::new("DELETE /api/auth/sessions", "", ManageCredentials, "444444 yyyyyy y3 33333334", ""),
    Row::new("DELETE /api/auth/sessions/$login", "", ManageCredentials, "444444 yooooo y3 33333334", ""),
    Row::new("POST /api/auth/sessions/revoke-others", "", ManageCredentials, "444444 yyyyyy y3 33333334", ""),

    Row::new("GET /api/auth/tokens", "", ManageCredentials,     "444444 yggggg yy 33333333", "$key"),
    Row::new("POST /api/auth/tokens", r#"{"name":"fresh"}"#, ManageCredentials, "444444 yyyyyy y3 33333334", ""),
    Row::new("POST /api/auth/tokens", r#"{"network_id":"$network","scope":"agent"}"#, CreateKey,
                                                                "444444 yyy333 y3 33333334", ""),
    Row::new("POST /api/auth/tokens", r#"{"network_id":"$network","scope":"readonly"}"#, CreateReadonlyKey,
                                                                "444444 yyyy33 y3 33333334", ""),
    Row::new("DELETE /api/auth/tokens", "", ManageCredentials,  "444444 yyyyyy y3 33333334", ""),
    Row::new("DELETE /api/auth/tokens/$key", "", ManageCredentials, "444444 yooooo y3 33333334", ""),
];

/// Users, registration, invites to the hub, and the audit log.
#[rustfmt::skip]
pub(crate) const HUB: &[Row] = &[
    // Callers: none garbage unminted expired revoked gone | owner admin member viewer stranger root
    //        | page bare | node spare full agent readonly bound elsewhere legacy
    Row::new("GET /api/users", "", Administer,                  "444444 33333y 33 33333333", "newcomer"),
    Row::new("GET /api/stats/sse", "", Administer,              "444444 33333y 33 33333333", "total"),
    Row::new("POST /api/admin/users/$guest/reset", "", Administer, "444444 33333y 33 33333334", ""),
    Row::new("POST /api/admin/users/$guest/unlock", "", Administer, "444444 33333y 33 33333334", ""),
    Row::new("PUT /api/admin/users/$guest/role", r#"{"role":"admin"}"#, Administer, "444444 33333y 33 33333334", ""),
    Row::new("GET /api/admin/registration", "", Administer,     "444444 33333y 33 33333333", "policy"),
    Row::new("PUT /api/admin/registration", r#"{"policy":"closed"}"#, Administer, "444444 33333y 33 33333334", ""),
    Row::new("GET /api/admin/invites", "", Administer,          "444444 33333y 33 33333333", "$hub_invite"),
    Row::new("POST /api/admin/invites", "{}", Administer,       "444444 33333y 33 33333334", ""),
    Row::new("DELETE /api/admin/invites/$hub_invite", "", Administer, "444444 33333y 33 33333334", ""),
    // An invite to a network is not one to the hub, not even for who looks after the hub.
    Row::new("DELETE /api/admin/invites/$invite", "", Administer, "444444 33333o 33 33333334", ""),

    Row::new("GET /api/audit-log", "", ReadOwnAudit,            "444444 gggggy gg 33333333", "newcomer"),
    Row::new("GET /api/audit-log?user_id=$guest", "", Administer, "444444 33333y 33 33333333", "$guest"),
    Row::new("GET /api/audit-log?network_id=$network", "", ReadNetworkAudit, "444444 yy33ny yy 33y33yn3", "member_added"),
    Row::new("GET /api/audit-log/verify", "", Administer,       "444444 33333y 33 33333333", "intact"),
];
