use serde_json::{Value, json};

use super::kit::{Person, Reply, TestHub};

async fn prepare(hub: &TestHub, token: &str, owner: &Person, old: &str, new: &str) -> Reply {
    let body = json!({ "network_id": owner.network_id, "old_alias": old, "new_alias": new });
    hub.post(token, "/api/node-rename/prepare", body).await
}

async fn finish(hub: &TestHub, token: &str, phase: &str, txn: &Value) -> Reply {
    hub.post(token, &format!("/api/node-rename/{phase}"), json!({ "txn_id": txn["txn_id"] })).await
}

#[tokio::test]
async fn a_renamed_node_keeps_its_identity_its_token_and_its_inbox() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut stream = hub.listen_as(&run, None).await;
    let mut members = hub.listen(&alice.token, "/events/alice", None).await;
    let before = hub.task(&alice.token, "counter", "before").await;
    assert_eq!(stream.next_type().await, "new_task");
    let txn = prepare(&hub, &alice.token, &alice, "counter", "tally").await.ok();
    finish(&hub, &alice.token, "commit", &txn).await.ok();
    let renamed = stream.next().await.unwrap();
    assert_eq!((&renamed.data["type"], &renamed.data["alias"]), (&json!("node.renamed"), &json!("tally")));
    assert_eq!(members.next_type().await, "node.renamed");
    let me = hub.get(&run.token, "/api/auth/me").await.ok();
    assert_eq!(me["credential"]["node_id"], json!(run.node_id));
    // Whoever still knows the old name reaches the node, and is told.
    let body = json!({ "alias": "counter", "task": "after" });
    let sent = hub.post(&alice.token, "/api/task", body).await.ok();
    assert_eq!((&sent["renamed_from"], &sent["renamed_to"]), (&json!("counter"), &json!("tally")));
    assert_eq!(stream.next_type().await, "new_task", "the stream goes on under the new name");
    let claimed = hub.claim(&run, 10).await;
    assert_eq!(claimed.len(), 2);
    assert_eq!(hub.state(&alice.token, &before).await["to_name"], "counter", "history keeps the name of then");
}

/// D-27
#[tokio::test]
async fn a_name_that_comes_back_means_its_node_again() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "a").await;
    for (old, new) in [("a", "b"), ("b", "a")] {
        let txn = prepare(&hub, &alice.token, &alice, old, new).await.ok();
        finish(&hub, &alice.token, "commit", &txn).await.ok();
    }
    for alias in ["a", "b"] {
        let sent = hub.post(&alice.token, "/api/task", json!({ "alias": alias, "task": "x" })).await.ok();
        let task = sent["task_id"].as_str().unwrap().to_owned();
        assert_eq!(hub.state(&alice.token, &task).await["to_name"], "a");
    }
}

/// D-27
#[tokio::test]
async fn a_rename_is_its_preparers_and_ends_in_ten_minutes() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.join(&alice, "bob", "admin").await;
    hub.node(&alice, "counter").await;
    let txn = prepare(&hub, &alice.token, &alice, "counter", "tally").await.ok();
    for phase in ["commit", "abort"] {
        let refused = finish(&hub, &bob.token, phase, &txn).await.refused(400, "rename_not_possible");
        assert_eq!(refused["error"], "rename transaction not found");
    }
    let reserved = prepare(&hub, &bob.token, &alice, "counter", "tally").await.refused(400, "alias_taken");
    assert_eq!(reserved["error"], "alias \"tally\" already reserved by an in-flight rename");
    let mint = json!({ "network_id": alice.network_id, "node_name": "tally" });
    hub.post(&bob.token, "/api/auth/node-token", mint.clone()).await.refused(400, "alias_taken");
    hub.clock.advance(600);
    let late = finish(&hub, &alice.token, "commit", &txn).await.refused(400, "rename_not_possible");
    assert_eq!(late["error"], "rename transaction was aborted");
    hub.post(&bob.token, "/api/auth/node-token", mint).await.ok();
}

#[tokio::test]
async fn both_ends_of_a_rename_can_be_repeated_and_exclude_each_other() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let txn = prepare(&hub, &alice.token, &alice, "counter", "tally").await.ok();
    for _ in 0..2 {
        finish(&hub, &alice.token, "abort", &txn).await.ok();
    }
    finish(&hub, &alice.token, "commit", &txn).await.refused(400, "rename_not_possible");
    let txn = prepare(&hub, &alice.token, &alice, "counter", "tally").await.ok();
    for _ in 0..2 {
        finish(&hub, &alice.token, "commit", &txn).await.ok();
    }
    let refused = finish(&hub, &alice.token, "abort", &txn).await.refused(400, "rename_not_possible");
    assert_eq!(refused["error"], "rename already committed, cannot abort");
}

#[tokio::test]
async fn a_node_renames_itself_and_a_member_the_own_nodes() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.join(&alice, "bob", "member").await;
    let (counter, _writer) = (hub.node(&alice, "counter").await, hub.node(&alice, "writer").await);
    prepare(&hub, &counter.token, &alice, "writer", "mine").await.refused(403, "user_token_required");
    prepare(&hub, &bob.token, &alice, "writer", "mine").await.refused(403, "permission_denied");
    let txn = prepare(&hub, &counter.token, &alice, "counter", "tally").await.ok();
    finish(&hub, &counter.token, "commit", &txn).await.ok();
    for (old, new, code) in [
        ("nobody", "x", "alias_not_found"),
        ("tally", "writer", "alias_taken"),
        ("tally", "tally", "rename_not_possible"),
        ("tally", "../x", "invalid_input"),
        ("tally", "a\nb", "invalid_input"),
    ] {
        let reply = prepare(&hub, &alice.token, &alice, old, new).await;
        assert_eq!(reply.body["code"], code, "{old} → {new}");
    }
}
