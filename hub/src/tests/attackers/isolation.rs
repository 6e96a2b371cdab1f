use serde_json::{Value, json};

use super::tools::{HERE, ask, bearer};
use crate::store::tests::set_role;
use crate::tests::kit::{PASSWORD, Reply, Run, TestHub};

fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().unwrap().remove(field);
    body
}

/// Attack 23 (hub-limits §3).
#[tokio::test]
async fn a_foreign_task_cannot_be_told_from_one_that_does_not_exist() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let mallory = hub.person("mallory").await;
    hub.node(&alice, "counter").await;
    let spy = hub.running(&mallory, "counter").await;
    let task = hub.task(&alice.token, "counter", "secret").await;
    let missing = "00000000-0000-4000-8000-000000000000";
    for token in [&mallory.token, &mallory.network_token, &spy.token] {
        for path in ["/api/task/ID", "/api/tasks/ID"] {
            let theirs = hub.get(token, &path.replace("ID", &task)).await.refused(404, "task_not_found");
            let none = hub.get(token, &path.replace("ID", missing)).await.refused(404, "task_not_found");
            assert_eq!(without(theirs, "task_id"), without(none, "task_id"));
        }
        let cancel = |id: &str| format!("/api/task/{id}/cancel");
        let theirs = hub.post(token, &cancel(&task), json!({})).await.refused(404, "task_not_found");
        let none = hub.post(token, &cancel(missing), json!({})).await.refused(404, "task_not_found");
        assert_eq!(without(theirs, "task_id"), without(none, "task_id"));
        assert_eq!(hub.get(token, &format!("/api/tasks?task_id={task}")).await.ok()["count"], 0);
        assert_eq!(hub.get(token, &format!("/api/task_events?task_id={task}")).await.ok()["count"], 0);
        assert_eq!(hub.get(token, "/api/messages").await.ok()["messages"], json!([]));
    }
    for (call, more) in [
        ("ack", json!({})),
        ("renew", json!({ "running": true })),
        ("reply", json!({ "text": "forged" })),
        ("fail", json!({ "error": { "code": "c", "message": "m", "retryable": false } })),
    ] {
        let theirs = hub.attempt(&spy, call, &task, 1, more.clone()).await.refused(404, "task_not_found");
        let none = hub.attempt(&spy, call, missing, 1, more).await.refused(404, "task_not_found");
        assert_eq!(without(theirs, "task_id"), without(none, "task_id"));
    }
    assert_eq!(hub.state(&alice.token, &task).await["status"], "delivered");
}

/// Attacks 23 and 24 (hub-limits §3).
#[tokio::test]
async fn a_foreign_network_is_out_of_reach() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let mallory = hub.person("mallory").await;
    hub.node(&alice, "counter").await;
    let spy = hub.running(&mallory, "spy").await;
    let theirs = &alice.network_id;
    for path in ["/api/tasks", "/api/nodes", "/api/status", "/api/messages", "/api/task_events", "/events/counter"] {
        let told = |id: &str| format!("{path}?network_id={id}");
        let foreign = hub.get(&mallory.token, &told(theirs)).await.refused(403, "access_denied");
        let missing = hub.get(&mallory.token, &told("net_000000000000")).await.refused(403, "access_denied");
        assert_eq!(foreign, missing);
    }
    let body = json!({ "alias": "counter", "task": "x", "network_id": theirs });
    hub.post(&mallory.token, "/api/task", body.clone()).await.refused(403, "access_denied");
    // A bound token means its own network, whatever the request says.
    hub.post(&spy.token, "/api/task", body).await.refused(404, "alias_not_found");
    assert_eq!(hub.get(&spy.token, &format!("/api/nodes?network_id={theirs}")).await.ok()["nodes"][0]["alias"], "spy");
    let body = json!({ "network_id": theirs, "node_name": "counter" });
    hub.post(&mallory.token, "/api/auth/node-token", body).await.refused(403, "access_denied");
    hub.delete(&mallory.token, "/api/nodes/counter").await.refused(404, "node_not_found");
    hub.delete(&mallory.token, &format!("/api/nodes/counter?network_id={theirs}")).await.refused(404, "node_not_found");
    assert_eq!(hub.get(&alice.token, "/api/nodes").await.ok()["count"], 1);
}

/// Attack 16 (hub-limits §3).
#[tokio::test]
async fn a_node_token_opens_no_door_for_people_and_a_persons_none_for_nodes() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let body = json!({ "network_id": alice.network_id, "node_name": "more" });
    for token in [&run.token, &alice.network_token] {
        hub.post(token, "/api/auth/node-token", body.clone()).await.refused(403, "user_token_required");
        hub.delete(token, "/api/nodes/counter").await.refused(403, "user_token_required");
    }
    for token in [&alice.token, &alice.network_token] {
        let claim = json!({ "instance_id": run.instance, "max": 1 });
        hub.post(token, "/api/node/claim", claim).await.refused(403, "node_token_required");
    }
}

/// Attacks 26 and 36 (hub-limits §3).
#[tokio::test]
async fn a_node_acts_and_listens_for_itself_alone() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let counter = hub.running(&alice, "counter").await;
    let writer = hub.running(&alice, "writer").await;
    let task = hub.task(&alice.token, "writer", "x").await;
    hub.claim(&writer, 1).await;
    hub.reply(&counter, &task, 1, "forged").await.refused(404, "task_not_found");
    assert!(hub.claim(&counter, 10).await.is_empty());
    let mask = Run { token: counter.token.clone(), ..writer.clone() };
    hub.register(&mask, &[]).await.refused(409, "node_identity_conflict");
    let half = Run { alias: "writer".to_owned(), ..counter.clone() };
    hub.register(&half, &[]).await.refused(409, "node_identity_conflict");
    for name in ["writer", "alice", "*", "..", "%2e%2e", "writer%2f", "counter%00"] {
        let path = format!("/events/{name}?instance_id={}", counter.instance);
        hub.get(&counter.token, &path).await.refused(403, "access_denied");
    }
    hub.get(&alice.network_token, "/events/default?instance_id=i").await.refused(403, "node_token_required");
    hub.get(&alice.token, "/events/nobody").await.refused(403, "access_denied");
}

/// Attack 26 (hub-limits §3).
#[tokio::test]
async fn a_forged_attempt_or_run_changes_nothing() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.reply(&run, &task, 0, "unclaimed").await.refused(409, "stale_attempt");
    hub.reply(&run, &task, 1, "unclaimed").await.refused(409, "stale_attempt");
    hub.claim(&run, 1).await;
    for attempt in [0, 2, u32::MAX] {
        hub.reply(&run, &task, attempt, "forged").await.refused(409, "stale_attempt");
    }
    let other = Run { instance: "i_2".to_owned(), ..run.clone() };
    hub.reply(&other, &task, 1, "forged").await.refused(409, "instance_superseded");
    let state = hub.state(&alice.token, &task).await;
    assert_eq!((&state["status"], &state["result"]), (&json!("delivered"), &json!(null)));
}

/// What an answer tells, but for the id that was asked for.
fn told(reply: &Reply, asked: &[&str]) -> (u16, String) {
    let mut text = reply.body.to_string();
    for id in asked {
        text = text.replace(id, "ID");
    }
    (reply.status.as_u16(), text)
}

/// Attacks 23 and 29 (hub-limits §3).
#[tokio::test]
async fn an_id_of_a_foreign_network_is_as_good_as_none_whatever_ones_rank_elsewhere() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let (alice, carol, mallory) = (hub.person("alice").await, hub.person("carol").await, hub.person("mallory").await);
    hub.node(&alice, "counter").await;
    let field = async |path: &str, body: Value, field: &str| {
        hub.post(&alice.token, path, body).await.ok()[field].as_str().unwrap().to_owned()
    };
    let network = &alice.network_id;
    let invite = field(&format!("/api/networks/{network}/invite"), json!({}), "invite_id").await;
    let key = field("/api/auth/tokens", json!({ "network_id": network }), "token_id").await;
    let login = field("/api/auth/login", json!({ "username": "alice", "password": PASSWORD }), "token_id").await;
    let rename = json!({ "network_id": network, "old_alias": "counter", "new_alias": "writer" });
    let rename = field("/api/node-rename/prepare", rename, "txn_id").await;
    let task = hub.task(&alice.token, "counter", "secret").await;
    let me = hub.get(&alice.token, "/api/auth/me").await.ok();
    let user = me["user"]["user_id"].as_str().unwrap();
    let ids = [
        ("NETWORK", network.as_str(), "net_000000000000"),
        ("INVITE", &invite, "ivt_000000000000"),
        ("KEY", &key, "tok_000000000000"),
        ("LOGIN", &login, "tok_000000000000"),
        ("RENAME", &rename, "rtxn_00000000000000000000000000000000"),
        ("TASK", &task, "00000000-0000-4000-8000-000000000000"),
        ("USER", user, "u_000000000000"),
    ];
    let calls = [
        ("GET", "/api/networks/NETWORK", json!({})),
        ("PUT", "/api/networks/NETWORK", json!({ "name": "theirs" })),
        ("DELETE", "/api/networks/NETWORK", json!({})),
        ("POST", "/api/networks/NETWORK/transfer", json!({ "user_id": "USER" })),
        ("POST", "/api/networks/NETWORK/leave", json!({})),
        ("GET", "/api/networks/NETWORK/members", json!({})),
        ("POST", "/api/networks/NETWORK/members", json!({ "username": "mallory", "role": "admin" })),
        ("PUT", "/api/networks/NETWORK/members/USER", json!({ "role": "viewer" })),
        ("DELETE", "/api/networks/NETWORK/members/USER", json!({})),
        ("POST", "/api/networks/NETWORK/invite", json!({})),
        ("GET", "/api/networks/NETWORK/invites", json!({})),
        ("DELETE", "/api/networks/NETWORK/invites/INVITE", json!({})),
        ("DELETE", "/api/networks/OWN/invites/INVITE", json!({})),
        ("PUT", "/api/networks/OWN/members/USER", json!({ "role": "viewer" })),
        ("DELETE", "/api/networks/OWN/members/USER", json!({})),
        ("POST", "/api/networks/OWN/transfer", json!({ "user_id": "USER" })),
        ("DELETE", "/api/auth/tokens/KEY", json!({})),
        ("DELETE", "/api/auth/tokens/LOGIN", json!({})),
        ("DELETE", "/api/auth/sessions/LOGIN", json!({})),
        (
            "POST",
            "/api/node-rename/prepare",
            json!({ "network_id": "NETWORK", "old_alias": "counter", "new_alias": "x" }),
        ),
        ("POST", "/api/node-rename/commit", json!({ "txn_id": "RENAME" })),
        ("POST", "/api/node-rename/abort", json!({ "txn_id": "RENAME" })),
        ("GET", "/api/task/TASK", json!({})),
        ("POST", "/api/task/TASK/cancel", json!({})),
        ("POST", "/api/task", json!({ "alias": "own", "task": "x", "network_id": "OWN", "parent_task_id": "TASK" })),
        ("POST", "/api/task", json!({ "alias": "counter", "task": "x", "network_id": "NETWORK" })),
        ("POST", "/api/message", json!({ "alias": "counter", "message": "x", "network_id": "NETWORK" })),
        ("POST", "/api/auth/tokens", json!({ "network_id": "NETWORK" })),
        ("POST", "/api/auth/node-token", json!({ "network_id": "NETWORK", "node_name": "counter" })),
        ("GET", "/api/audit-log?network_id=NETWORK", json!({})),
        ("GET", "/api/audit-log?user_id=USER", json!({})),
        ("GET", "/events/counter?network_id=NETWORK", json!({})),
        ("DELETE", "/api/nodes/counter?network_id=NETWORK", json!({})),
        ("POST", "/api/admin/users/USER/reset", json!({})),
        ("POST", "/api/admin/users/USER/unlock", json!({})),
        ("PUT", "/api/admin/users/USER/role", json!({ "role": "user" })),
        ("DELETE", "/api/admin/invites/INVITE", json!({})),
    ];
    let authorization = bearer(&mallory.token);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    for rank in ["viewer", "member", "admin", "owner"] {
        let own = if rank == "owner" { &mallory.network_id } else { &carol.network_id };
        if rank != "owner" {
            set_role(&hub, own, "mallory", rank).await;
        }
        for (method, path, body) in &calls {
            let mut told_of = Vec::new();
            for is_foreign in [true, false] {
                let (mut path, mut body) = ((*path).replace("OWN", own), body.to_string().replace("OWN", own));
                let mut asked = Vec::new();
                for (name, foreign, missing) in ids {
                    let id = if is_foreign { foreign } else { missing };
                    (path, body) = (path.replace(name, id), body.replace(name, id));
                    asked.push(id);
                }
                told_of.push(told(&ask(&hub, HERE, (method, &path), &headers, body).await, &asked));
            }
            assert_eq!(told_of[0], told_of[1], "{rank}: {method} {path}");
            assert!((400..500).contains(&told_of[0].0), "{rank}: {method} {path}: {told_of:?}");
        }
    }
    assert_eq!(hub.state(&alice.token, &task).await["status"], "delivered");
    hub.post(&alice.token, "/api/node-rename/commit", json!({ "txn_id": rename })).await.ok();
    let network = hub.get(&alice.token, &format!("/api/networks/{network}")).await.ok();
    assert_eq!((&network["stats"]["members"], &network["stats"]["invites"]), (&json!(1), &json!(1)));
}

/// Attack 24 (hub-limits §3).
#[tokio::test]
async fn an_alias_means_the_agent_of_ones_own_network() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let (alice, bob) = (hub.person("alice").await, hub.person("bob").await);
    let (theirs, own) = (hub.running(&alice, "counter").await, hub.running(&bob, "counter").await);
    let sender = hub.running(&bob, "sender").await;
    hub.task(&sender.token, "counter", "stays").await;
    let body = json!({ "alias": "counter", "task": "stays", "network_id": alice.network_id });
    hub.post(&sender.token, "/api/task", body).await.ok();
    for alias in [
        format!("{}/counter", alice.network_id),
        format!("{}:counter", alice.network_id),
        format!("counter@{}", alice.network_id),
        theirs.node_id.clone(),
        "../counter".to_owned(),
        "node:counter".to_owned(),
        "*".to_owned(),
        "%".to_owned(),
        String::new(),
    ] {
        let reply = hub.post(&sender.token, "/api/task", json!({ "alias": alias, "task": "x" })).await;
        assert!(!reply.refused(404, "alias_not_found")["suggestions"].to_string().contains("net_"));
    }
    assert!(hub.claim(&theirs, 10).await.is_empty());
    assert_eq!(hub.claim(&own, 10).await.len(), 2);
    assert_eq!(hub.get(&alice.token, "/api/tasks").await.ok()["count"], 0);
    assert_eq!(hub.get(&alice.token, "/api/messages").await.ok()["messages"], json!([]));
}
