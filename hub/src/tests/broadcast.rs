use serde_json::{Value, json};

use super::kit::TestHub;

/// D-31
#[tokio::test]
async fn a_broadcast_reaches_the_agents_of_one_network_and_counts_them_truly() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    hub.node(&admin, "foreign").await;
    let (one, two) = (hub.running(&alice, "one").await, hub.running(&alice, "two").await);
    let mut stream = hub.listen_as(&one, None).await;
    let sent = hub.post(&alice.token, "/api/broadcast", json!({ "message": "hear ye" })).await.ok();
    assert_eq!((&sent["recipients"], sent["message_ids"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(stream.next_type().await, "broadcast");
    let from_node = hub.post(&two.token, "/api/broadcast", json!({ "message": "and ye" })).await.ok();
    assert_eq!(from_node["recipients"], 1, "not to itself");
    hub.report(&two, "offline").await.ok();
    let filtered = json!({ "message": "the idle", "filter_status": "idle", "filter_server": "box" });
    assert_eq!(hub.post(&alice.token, "/api/broadcast", filtered).await.ok()["recipients"], 1);
    let elsewhere = json!({ "message": "x", "filter_server": "elsewhere" });
    assert_eq!(hub.post(&alice.token, "/api/broadcast", elsewhere).await.ok()["recipients"], 0);
    let messages = hub.get(&alice.token, "/api/messages").await.ok();
    let kinds: Vec<&Value> = messages["messages"].as_array().unwrap().iter().map(|row| &row["type"]).collect();
    assert_eq!(kinds, ["broadcast"; 4]);
    let own = hub.get(&admin.token, &format!("/api/messages?network_id={}", admin.network_id)).await.ok();
    assert_eq!(own["messages"], json!([]), "nothing reached the other network");
}

#[tokio::test]
async fn who_is_in_several_networks_says_which_one_hears_it_and_viewers_say_nothing() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let vera = hub.person("vera").await;
    hub.join(&alice, "vera", "viewer").await;
    let words = json!({ "message": "x" });
    let refused = hub.post(&vera.token, "/api/broadcast", words.clone()).await.refused(400, "network_id_required");
    assert_eq!(refused["error"], "network_id required for user token when broadcasting");
    let path = format!("/api/broadcast?network_id={}", alice.network_id);
    hub.post(&vera.token, &path, words).await.refused(403, "permission_denied");
}

#[tokio::test]
async fn the_numbers_of_a_network_agree_with_its_lists() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    let stats = hub.get(&alice.token, "/api/stats").await.ok();
    assert_eq!((&stats["tasks"]["total"], &stats["nodes"]["total"]), (&json!(1), &json!(1)));
    assert_eq!(stats["recent_tasks"][0]["task_id"], json!(task));
    assert_eq!(stats["sessions"]["by_status"], json!([{ "status": "idle", "count": 1 }]));
    let _stream = hub.listen_as(&run, None).await;
    let streams = hub.get(&admin.token, "/api/stats/sse").await.ok();
    let key = format!("{}:counter", alice.network_id);
    assert_eq!((&streams["total"], &streams["sessions"][&key]), (&json!(1), &json!(1)));
    hub.get(&alice.token, "/api/stats/sse").await.refused(403, "admin_required");
}
