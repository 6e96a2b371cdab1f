use anet_protocol::role::Operation::{CancelTask, DeleteNode, Listen, ReadNetwork, RenameNode, SendTask, WorkAsNode};

use super::row::Row;

/// Tasks, messages and events.
#[rustfmt::skip]
pub(crate) const TASKS: &[Row] = &[
    // Callers: none garbage unminted expired revoked gone | owner admin member viewer stranger root
    //        | page bare | node spare full agent readonly bound elsewhere legacy
    //
    // A bound token means its own network, whatever the request says: `elsewhere` finds no `pen` there.
    Row::new("POST /api/task", r#"{"alias":"pen","task":"x","network_id":"$network"}"#, SendTask,
                                                                "444444 yyy333 y3 y3yy3yn4", ""),
    Row::new("POST /api/message", r#"{"alias":"pen","message":"x","network_id":"$network"}"#, SendTask,
                                                                "444444 yyy333 y3 y3yy3yn4", ""),
    // A bound key means its own network, whatever the query says.
    Row::new("POST /api/broadcast?network_id=$network", r#"{"message":"x"}"#, SendTask,
                                                                "444444 yyy333 y3 y3yy3yy4", ""),
    Row::new("GET /api/stats?network_id=$network", "", ReadNetwork, "444444 yyyy3y yy yyyyyygy", "$task"),
    Row::new("GET /api/task/$task", "", ReadNetwork,            "444444 yyyyny yy yyyyyyny", "the secret words"),
    Row::new("GET /api/tasks/$task", "", ReadNetwork,           "444444 yyyyny yy yyyyyyny", "the secret words"),
    // A node calls off what it has sent itself; `spare`, which is no node's, only reads.
    Row::new("POST /api/task/$task/cancel", "{}", CancelTask,   "444444 yyy3n3 y3 s3yy3yn4", ""),

    Row::new("GET /api/tasks", "", ReadNetwork,                 "444444 yyyygy yy yyyyyygy", "$task"),
    Row::new("GET /api/tasks?network_id=$network", "", ReadNetwork, "444444 yyyy3y yy yyyyyygy", "$task"),
    Row::new("GET /api/task_events", "", ReadNetwork,           "444444 yyyygy yy yyyyyygy", "$task"),
    Row::new("GET /api/task_events?network_id=$network&task_id=$task", "", ReadNetwork,
                                                                "444444 yyyy3y yy yyyyyygy", "$task"),
    Row::new("GET /api/messages", "", ReadNetwork,              "444444 yyyygy yy yyyyyygy", "$message"),
    Row::new("GET /api/messages?network_id=$network", "", ReadNetwork, "444444 yyyy3y yy yyyyyygy", "$message"),

    Row::new("GET /events/counter?network_id=$network&instance_id=$run", "", Listen,
                                                                "444444 yyyy33 yy y3yyyy34", ""),
];

/// Nodes, their renames, and their own calls.
#[rustfmt::skip]
pub(crate) const NODES: &[Row] = &[
    // Callers: none garbage unminted expired revoked gone | owner admin member viewer stranger root
    //        | page bare | node spare full agent readonly bound elsewhere legacy
    Row::new("GET /api/nodes", "", ReadNetwork,                 "444444 yyyygy yy yyyyyygy", "$node"),
    Row::new("GET /api/nodes?network_id=$network", "", ReadNetwork, "444444 yyyy3y yy yyyyyygy", "$node"),
    Row::new("GET /api/status", "", ReadNetwork,                "444444 yyyygy yy yyyyyygy", "$node"),
    Row::new("GET /api/status?network_id=$network", "", ReadNetwork, "444444 yyyy3y yy yyyyyygy", "$node"),
    // A member looks after the own nodes.
    Row::new("DELETE /api/nodes/$node", "", DeleteNode,         "444444 yys3n3 y3 33y33yn4", ""),
    Row::new("DELETE /api/nodes/counter?network_id=$network", "", DeleteNode, "444444 yys3n3 y3 33y33yn4", ""),
    Row::new("DELETE /api/nodes/pen?network_id=$network", "", DeleteNode, "444444 yyy3n3 y3 33y33yn4", ""),

    // A node renames itself.
    Row::new("POST /api/node-rename/prepare", r#"{"network_id":"$network","old_alias":"counter","new_alias":"fresh"}"#, RenameNode,
                                                                "444444 yys3n3 y3 ysy33yn4", ""),
    Row::new("POST /api/node-rename/prepare", r#"{"network_id":"$network","old_alias":"pen","new_alias":"fresh"}"#, RenameNode,
                                                                "444444 yyy3n3 y3 ssy33yn4", ""),
    // `$rename` is the owner's, of `counter`; the owner's keys act for the owner.
    Row::new("POST /api/node-rename/commit", r#"{"txn_id":"$rename"}"#, RenameNode, "444444 yooooo y3 osy33yo4", ""),
    Row::new("POST /api/node-rename/abort", r#"{"txn_id":"$rename"}"#, RenameNode, "444444 yooooo y3 osy33yo4", ""),
    Row::new("POST /api/node-rename/commit", r#"{"txn_id":"$members_rename"}"#, RenameNode, "444444 ooyooo o3 ooooooo4", ""),
    Row::new("POST /api/node-rename/abort", r#"{"txn_id":"$members_rename"}"#, RenameNode, "444444 ooyooo o3 ooooooo4", ""),

    Row::new("POST /api/node/register", r#"{"node_id":"$node","alias":"counter","instance_id":"$run","runtime":"command","hostname":"box","pid":1,"project_dir":"/srv","version":"1","holding":[]}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    Row::new("POST /api/node/report", r#"{"instance_id":"$run","status":"working"}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    Row::new("POST /api/node/claim", r#"{"instance_id":"$run","max":1}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    Row::new("POST /api/node/tasks/$held/ack", r#"{"instance_id":"$run","attempt":1}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    Row::new("POST /api/node/tasks/$held/renew", r#"{"instance_id":"$run","attempt":1,"running":false}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    Row::new("POST /api/node/tasks/$held/reply", r#"{"instance_id":"$run","attempt":1,"text":"done"}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    Row::new("POST /api/node/tasks/$held/fail", r#"{"instance_id":"$run","attempt":1,"error":{"code":"c","message":"m","retryable":false}}"#, WorkAsNode,
                                                                "444444 333333 33 y3333334", ""),
    // Another node's task is none.
    Row::new("POST /api/node/tasks/$task/reply", r#"{"instance_id":"$run","attempt":1,"text":"done"}"#, WorkAsNode,
                                                                "444444 333333 33 o3333334", ""),
];
