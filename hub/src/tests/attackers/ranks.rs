use serde_json::json;

use crate::store::tests::set_role;
use crate::tests::kit::TestHub;

/// Attack 25 (hub-limits §3).
#[tokio::test]
async fn a_viewer_reads_and_changes_nothing_and_a_lost_rank_counts_at_once() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let vera = hub.person("vera").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    let network = &alice.network_id;
    let send = json!({ "alias": "counter", "task": "x", "network_id": network });
    let mint = json!({ "network_id": network, "node_name": "hers" });
    let cancel = format!("/api/task/{task}/cancel");

    set_role(&hub, network, "vera", "viewer").await;
    hub.state(&vera.token, &task).await;
    drop(hub.listen(&vera.token, &format!("/events/counter?network_id={network}"), None).await);
    hub.post(&vera.token, "/api/task", send.clone()).await.refused(403, "permission_denied");
    hub.post(&vera.token, &cancel, json!({})).await.refused(403, "permission_denied");
    hub.post(&vera.token, "/api/auth/node-token", mint.clone()).await.refused(403, "permission_denied");
    hub.delete(&vera.token, "/api/nodes/counter").await.refused(403, "permission_denied");

    set_role(&hub, network, "vera", "member").await;
    let unnamed = json!({ "alias": "counter", "task": "x" });
    let refused = hub.post(&vera.token, "/api/task", unnamed).await.refused(400, "network_id_required");
    assert_eq!(refused["error"], "network_id required for user token when multiple networks are available");
    hub.get(&vera.token, "/events/vera").await.refused(400, "network_id_required");
    hub.post(&vera.token, "/api/task", send.clone()).await.ok();
    let hers = hub.post(&vera.token, "/api/auth/node-token", mint).await.ok();
    let theirs = json!({ "network_id": network, "node_name": "counter" });
    hub.post(&vera.token, "/api/auth/node-token", theirs).await.refused(403, "permission_denied");

    // Her node's rights are hers of this moment.
    set_role(&hub, network, "vera", "viewer").await;
    hub.post(hers["token"].as_str().unwrap(), "/api/task", send).await.refused(403, "permission_denied");
    assert_eq!(hub.claim(&run, 10).await.len(), 2);
}

/// Attack 25 (hub-limits §3).
#[tokio::test]
async fn the_admin_reads_every_network_and_writes_in_none_but_the_own() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.state(&admin.token, &task).await;
    assert_eq!(hub.get(&admin.token, "/api/tasks").await.ok()["count"], 1);
    let send = json!({ "alias": "counter", "task": "x", "network_id": alice.network_id });
    hub.post(&admin.token, "/api/task", send).await.refused(403, "access_denied");
    let node = hub.node(&admin, "his").await;
    hub.get(&node.token, &format!("/api/task/{task}")).await.refused(404, "task_not_found");
}
