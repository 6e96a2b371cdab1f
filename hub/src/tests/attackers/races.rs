//! Between the question and the deed: every right is judged in the transaction that makes the change.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::store::tests::database::{assert_no_orphans, assert_one_owner_each};
use crate::tests::kit::{Person, Reply, TestHub};

const ROUNDS: usize = 200;

/// How many try at once, each round.
const AT_ONCE: usize = 3;

async fn put(hub: &TestHub, token: &str, path: &str, body: Value) -> Reply {
    let request = TestHub::request("PUT", path, token).header("content-type", "application/json");
    hub.send(request.body(axum::body::Body::from(body.to_string())).unwrap()).await
}

/// All at once, on as many threads as there are.
async fn send_many(hub: &std::sync::Arc<TestHub>, token: &str, body: &Value) -> Vec<Reply> {
    let one = || {
        let (hub, token, body) = (hub.clone(), token.to_owned(), body.clone());
        tokio::spawn(async move { hub.post(&token, "/api/task", body).await })
    };
    join_all((0..AT_ONCE).map(|_| one())).await.into_iter().map(Result::unwrap).collect()
}

/// The whole audit log, oldest first.
async fn log(hub: &TestHub) -> Vec<anet_protocol::rest::AuditRow> {
    hub.hub.read().await.unwrap().audit_from(0, 100_000).await.unwrap()
}

/// Attack 30 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn no_task_is_stored_after_its_sender_has_lost_the_right_to_send() {
    let hub = std::sync::Arc::new(TestHub::open().await);
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.node(&alice, "counter").await;
    let me = hub.get(&bob.token, "/api/auth/me").await.ok();
    let bob_id = me["user"]["user_id"].as_str().unwrap().to_owned();
    let members = format!("/api/networks/{}/members", alice.network_id);
    hub.post(&alice.token, &members, json!({ "username": "bob" })).await.ok();
    let member = format!("{members}/{bob_id}");
    let task = json!({ "alias": "counter", "task": "x", "network_id": alice.network_id });
    let (mut stored, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let change = async {
            if round % 2 == 0 {
                put(&hub, &alice.token, &member, json!({ "role": "viewer" })).await.ok();
            } else {
                hub.delete(&alice.token, &member).await.ok();
            }
        };
        let (sent, ()) = tokio::join!(send_many(&hub, &bob.token, &task), change);
        for reply in sent {
            match reply.status.as_u16() {
                200 => stored += 1,
                403 => refused += 1,
                _ => panic!("{}", reply.body),
            }
        }
        if round % 2 == 0 {
            put(&hub, &alice.token, &member, json!({ "role": "member" })).await.ok();
        } else {
            hub.post(&alice.token, &members, json!({ "username": "bob" })).await.ok();
        }
    }
    // The log has the order in which everything happened.
    let mut may_send = true;
    let mut sent = 0;
    for row in log(&hub).await {
        let detail = row.detail.unwrap_or_default();
        match row.action.as_str() {
            "member_role_changed" => may_send = detail.ends_with("member"),
            "member_removed" => may_send = false,
            "member_added" => may_send = true,
            "task_sent" => {
                assert!(may_send, "row {}: a task was stored after the right to send it was gone", row.id);
                sent += 1;
            }
            _ => {}
        }
    }
    assert_eq!(sent, stored);
    assert!(stored > 0 && refused > 0, "{stored} were stored, {refused} refused");
    assert_eq!(hub.get(&alice.token, "/api/tasks").await.ok()["stats"][0]["count"], json!(stored));
    assert_no_orphans(&hub).await;
}

/// Attack 30 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_in_a_network_that_is_no_more() {
    let hub = std::sync::Arc::new(TestHub::open().await);
    let alice = hub.person("alice").await;
    let (mut stored, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let made = hub.post(&alice.token, "/api/networks", json!({ "name": "brief" })).await.ok();
        let network_id = made["network_id"].as_str().unwrap().to_owned();
        let brief = Person { network_id: network_id.clone(), ..alice.clone() };
        hub.node(&brief, "counter").await;
        let task = json!({ "alias": "counter", "task": "x", "network_id": network_id });
        let path = format!("/api/networks/{network_id}");
        let (sent, deleted) = tokio::join!(send_many(&hub, &alice.token, &task), hub.delete(&alice.token, &path));
        deleted.ok();
        for reply in sent {
            match reply.status.as_u16() {
                200 => stored += 1,
                403 | 404 => refused += 1,
                _ => panic!("{}", reply.body),
            }
        }
    }
    assert!(stored > 0 && refused > 0, "{stored} were stored, {refused} refused");
    assert_no_orphans(&hub).await;
    assert_one_owner_each(&hub).await;
}

/// Attack 30 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_an_agent_is_renamed_reaches_it() {
    let hub = std::sync::Arc::new(TestHub::open().await);
    let alice = hub.person("alice").await;
    let run = hub.node(&alice, "name0").await;
    let mut sent = 0;
    for round in 0..ROUNDS {
        let (old, new) = (format!("name{round}"), format!("name{}", round + 1));
        let body = json!({ "network_id": alice.network_id, "old_alias": old, "new_alias": new });
        let rename = hub.post(&alice.token, "/api/node-rename/prepare", body).await.ok();
        let commit = json!({ "txn_id": rename["txn_id"] });
        let task = json!({ "alias": old, "task": "x" });
        let (replies, renamed) = tokio::join!(
            send_many(&hub, &alice.token, &task),
            hub.post(&alice.token, "/api/node-rename/commit", commit)
        );
        renamed.ok();
        for reply in replies {
            reply.ok();
            sent += 1;
        }
    }
    let nodes = hub.get(&alice.token, "/api/nodes").await.ok();
    let node = &nodes["nodes"][0];
    assert_eq!((&node["node_id"], &node["inbox_count"]), (&json!(run.node_id), &json!(sent)));
    assert_eq!(nodes["count"], 1);
    assert_no_orphans(&hub).await;
}

/// Attack 30 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_deleted_leaves_no_task_that_waits_for_it() {
    let hub = std::sync::Arc::new(TestHub::open().await);
    let alice = hub.person("alice").await;
    let task = json!({ "alias": "counter", "task": "x" });
    for _ in 0..ROUNDS / 4 {
        hub.node(&alice, "counter").await;
        let (sent, deleted) =
            tokio::join!(send_many(&hub, &alice.token, &task), hub.delete(&alice.token, "/api/nodes/counter"));
        deleted.ok();
        assert!(sent.iter().all(|reply| reply.status == 200 || reply.status == 404));
    }
    let waiting = hub.get(&alice.token, "/api/tasks?status=delivered").await.ok();
    assert_eq!(waiting["count"], 0, "{waiting:#}");
    assert_no_orphans(&hub).await;
}
