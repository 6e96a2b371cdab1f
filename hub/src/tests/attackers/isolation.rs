use serde_json::{Value, json};

use crate::tests::kit::{Run, TestHub};

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
