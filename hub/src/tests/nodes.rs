use serde_json::json;

use super::kit::TestHub;
use crate::store::tests::set_role;

#[tokio::test]
async fn a_node_is_shown_as_it_was_last_observed() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let shown = || async { hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0].clone() };
    let stream = hub.listen_as(&run, None).await;
    hub.report(&run, "working").await.ok();
    let node = shown().await;
    assert_eq!((&node["status"], &node["connected"], &node["pid"]), (&json!("working"), &json!(true), &json!(4711)));
    drop(stream);
    let node = shown().await;
    assert_eq!((&node["status"], &node["connected"]), (&json!("working"), &json!(false)), "gone at once");
    hub.clock.advance(601);
    assert_eq!(shown().await["status"], "offline");
    hub.report(&run, "idle").await.ok();
    assert_eq!(shown().await["status"], "idle");
    hub.report(&run, "offline").await.ok();
    assert_eq!(shown().await["status"], "offline");
    let status = hub.get(&alice.token, "/api/status").await.ok();
    assert_eq!(status["summary"], json!({ "idle": 0, "working": 0, "offline": 1, "total": 1 }));
}

#[tokio::test]
async fn presence_survives_a_restart_of_the_hub() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    hub.clock.advance(7);
    hub.report(&run, "working").await.ok();
    let before = hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0].clone();
    let hub = hub.restart().await;
    assert_eq!(hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0], before);
    hub.report(&run, "idle").await.ok();
}

#[tokio::test]
async fn filters_of_nodes_hold_together() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.running(&alice, "one").await;
    hub.node(&alice, "two").await;
    let count = |query: &'static str| {
        let (hub, token) = (&hub, &alice.token);
        async move { hub.get(token, &format!("/api/nodes?{query}")).await.ok()["count"].clone() }
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("alias=one").await, 1);
    assert_eq!(count("status=offline").await, 1);
    assert_eq!(count("alias=one&status=offline").await, 0);
    hub.get(&alice.token, "/api/nodes?status=bored").await.refused(400, "invalid_input");
    hub.get(&alice.token, "/api/nodes?colour=red").await.refused(400, "invalid_input");
}

#[tokio::test]
async fn a_deleted_node_takes_its_token_its_stream_and_its_tasks_with_it() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let held = hub.task(&alice.token, "counter", "held").await;
    hub.claim(&run, 1).await;
    let waiting = hub.task(&alice.token, "counter", "waiting").await;
    let mut stream = hub.listen_as(&run, None).await;
    let gone = hub.delete(&alice.token, "/api/nodes/counter").await.ok();
    assert_eq!((&gone["node_id"], &gone["tokens_revoked"]), (&json!(run.node_id), &json!(1)));
    assert_eq!(stream.next_type().await, "node_deleted");
    assert_eq!(stream.next_type().await, "end");
    for task in [held, waiting] {
        let task = hub.state(&alice.token, &task).await;
        assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("node_deleted")));
    }
    hub.report(&run, "idle").await.refused(401, "invalid_token");
    hub.delete(&alice.token, "/api/nodes/counter").await.refused(404, "node_not_found");
    let reborn = hub.node(&alice, "counter").await;
    assert_ne!(reborn.node_id, run.node_id);
    hub.report(&run, "idle").await.refused(401, "invalid_token");
    crate::store::tests::assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn a_rename_is_finished_only_by_who_could_still_begin_it() {
    let hub = TestHub::open().await;
    hub.person("root").await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.node(&alice, "counter").await;
    set_role(&hub, &alice.network_id, "bob", "admin").await;
    let body = json!({ "network_id": alice.network_id, "old_alias": "counter", "new_alias": "abacus" });
    let begun = json!({ "txn_id": hub.post(&bob.token, "/api/node-rename/prepare", body).await.ok()["txn_id"] });
    set_role(&hub, &alice.network_id, "bob", "member").await;
    for call in ["commit", "abort"] {
        let path = format!("/api/node-rename/{call}");
        hub.post(&bob.token, &path, begun.clone()).await.refused(403, "permission_denied");
        // The network's own token acts in its owner's name, and is no node.
        hub.post(&alice.network_token, &path, begun.clone()).await.refused(400, "rename_not_possible");
    }
    assert_eq!(hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0]["alias"], "counter");
    set_role(&hub, &alice.network_id, "bob", "admin").await;
    hub.post(&bob.token, "/api/node-rename/commit", begun).await.ok();
    assert_eq!(hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0]["alias"], "abacus");
}

#[tokio::test]
async fn two_agents_of_a_network_do_not_look_alike() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    hub.node(&alice, "writer").await;
    for twin in ["Counter", "COUNTER", "ｃｏｕｎｔｅｒ"] {
        let mint = json!({ "network_id": alice.network_id, "node_name": twin });
        hub.post(&alice.token, "/api/auth/node-token", mint).await.refused(400, "alias_taken");
        let rename = json!({ "network_id": alice.network_id, "old_alias": "writer", "new_alias": twin });
        hub.post(&alice.token, "/api/node-rename/prepare", rename).await.refused(400, "alias_taken");
    }
    let own = json!({ "network_id": alice.network_id, "old_alias": "counter", "new_alias": "Counter" });
    hub.post(&alice.token, "/api/node-rename/prepare", own).await.ok();
}
