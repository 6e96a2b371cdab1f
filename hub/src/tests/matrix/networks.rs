use anet_protocol::role::Operation::{
    ChangeRole, CreateNetwork, DeleteNetwork, JoinNetwork, LeaveNetwork, ManageMembers, ReadMembers, ReadNetwork,
    RenameNetwork, TransferNetwork,
};

use super::row::Row;

/// Networks, their members and the invites to them.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // Callers: none garbage unminted expired revoked gone | owner admin member viewer stranger root
    //        | page bare | node spare full agent readonly bound elsewhere legacy
    Row::new("GET /api/networks", "", ReadNetwork,              "444444 yyyygy yy yyyyyygy", "$network"),
    Row::new("POST /api/networks", r#"{"name":"fresh"}"#, CreateNetwork, "444444 yyyyyy y3 33y33334", ""),
    Row::new("POST /api/networks/join", r#"{"invite_code":"$code"}"#, JoinNetwork, "444444 yyyyyy y3 33333334", ""),
    Row::new("GET /api/networks/$network", "", ReadNetwork,     "444444 yyyyny yy yyyyyyny", "shared"),
    Row::new("PUT /api/networks/$network", r#"{"name":"renamed"}"#, RenameNetwork, "444444 y333n3 y3 33y33yn4", ""),
    Row::new("DELETE /api/networks/$network", "", DeleteNetwork, "444444 y333n3 y3 333333n4", ""),
    Row::new("POST /api/networks/$network/transfer", r#"{"user_id":"$guest"}"#, TransferNetwork,
                                                                "444444 y333n3 y3 333333n4", ""),
    // The owner hands it over or deletes it instead.
    Row::new("POST /api/networks/$network/leave", "", LeaveNetwork, "444444 3yyyn3 33 333333n4", ""),

    Row::new("GET /api/networks/$network/members", "", ReadMembers, "444444 yyyyny yy 33yyyyn3", "$guest"),
    Row::new("POST /api/networks/$network/members", r#"{"user_id":"$newcomer"}"#, ManageMembers,
                                                                "444444 yy33n3 y3 33y33yn4", ""),
    Row::new("PUT /api/networks/$network/members/$guest", r#"{"role":"viewer"}"#, ChangeRole,
                                                                "444444 y333n3 y3 33y33yn4", ""),
    Row::new("DELETE /api/networks/$network/members/$guest", "", ManageMembers,
                                                                "444444 yy33n3 y3 33y33yn4", ""),

    Row::new("POST /api/networks/$network/invite", "{}", ManageMembers, "444444 yy33n3 y3 33y33yn4", ""),
    Row::new("GET /api/networks/$network/invites", "", ManageMembers, "444444 yy33n3 yy 33y33yn3", "$invite"),
    Row::new("DELETE /api/networks/$network/invites/$invite", "", ManageMembers,
                                                                "444444 yy33n3 y3 33y33yn4", ""),
];
