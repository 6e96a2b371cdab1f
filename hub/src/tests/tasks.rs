use std::collections::BTreeSet;

use axum::body::Body;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kit::TestHub;

#[tokio::test]
async fn a_task_is_stored_worked_on_and_answered() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let body = json!({ "alias": "counter", "task": "count the lines" });
    let sent = hub.post(&alice.token, "/api/task", body).await.ok();
    assert_eq!((&sent["queued"], &sent["online"], &sent["replayed"]), (&json!(true), &json!(false), &json!(false)));
    assert_eq!(sent["task_id"], sent["message_id"]);
    let task = sent["task_id"].as_str().unwrap();
    assert_eq!(hub.state(&alice.token, task).await["status"], "delivered");

    let claimed = hub.claim(&run, 5).await;
    assert_eq!((claimed.len(), &claimed[0]["attempt"]), (1, &json!(1)));
    assert_eq!((&claimed[0]["content"], &claimed[0]["from_name"]), (&json!("count the lines"), &json!("alice")));
    hub.attempt(&run, "ack", task, 1, json!({})).await.ok();
    assert_eq!(hub.state(&alice.token, task).await["status"], "acked");
    hub.attempt(&run, "renew", task, 1, json!({ "running": true })).await.ok();
    assert_eq!(hub.state(&alice.token, task).await["status"], "running");
    hub.reply(&run, task, 1, "42").await.ok();

    let done = hub.state(&alice.token, task).await;
    assert_eq!((&done["status"], &done["result"]), (&json!("replied"), &json!("42")));
    for stamp in ["delivered_at", "received_at", "acked_at", "started_at", "completed_at"] {
        assert!(done[stamp].is_string(), "{stamp}");
    }
    let events = hub.get(&alice.token, &format!("/api/task_events?task_id={task}")).await.ok();
    let history: Vec<_> = events["events"].as_array().unwrap().iter().rev().map(|e| e["to_status"].clone()).collect();
    assert_eq!(history, ["delivered", "delivered", "acked", "running", "replied"]);
    let messages = hub.get(&alice.token, "/api/messages").await.ok();
    let said: Vec<_> = messages["messages"].as_array().unwrap().iter().map(|m| (&m["type"], &m["content"])).collect();
    assert_eq!(said, [(&json!("reply"), &json!("42")), (&json!("task"), &json!("count the lines"))]);
    assert_eq!(messages["messages"][0]["in_reply_to"], json!(task));
}

#[tokio::test]
async fn an_unknown_alias_is_refused_with_near_names_and_nothing_is_stored() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let body = json!({ "alias": "conuter", "task": "x" });
    let refused = hub.post(&alice.token, "/api/task", body).await.refused(404, "alias_not_found");
    assert_eq!((&refused["suggestions"], &refused["error"]), (&json!(["counter"]), &json!("alias_not_found")));
    let list = hub.get(&alice.token, "/api/tasks").await.ok();
    assert_eq!((&list["count"], &list["stats"]), (&json!(0), &json!([])));
    assert_eq!(hub.get(&alice.token, "/api/messages").await.ok()["messages"], json!([]));
}

#[tokio::test]
async fn a_task_outside_the_limits_is_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let long = "ж".repeat(10_000);
    hub.post(&alice.token, "/api/task", json!({ "alias": "counter", "task": long })).await.ok();
    for more in [
        json!({ "task": "" }),
        json!({ "task": format!("{long}x") }),
        json!({ "ttl_seconds": 0 }),
        json!({ "ttl_seconds": 86_401 }),
        json!({ "idempotency_key": "" }),
        json!({ "from": "a\nb" }),
        json!({ "from": "counter" }),
        json!({ "priority": "urgent" }),
        json!({ "status": "replied" }),
    ] {
        let mut body = json!({ "alias": "counter", "task": "x" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hub.post(&alice.token, "/api/task", body).await.refused(400, "invalid_input");
    }
    let itself = json!({ "alias": "counter", "task": "x" });
    let refused = hub.post(&run.token, "/api/task", itself).await.refused(400, "invalid_input");
    assert!(refused["message"].as_str().unwrap().contains("loop"));
}

#[tokio::test]
async fn the_same_key_is_the_same_task() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let body = |text: &str| json!({ "alias": "counter", "task": text, "idempotency_key": "k" });
    let first = hub.post(&alice.token, "/api/task", body("one")).await.ok();
    let again = hub.post(&alice.token, "/api/task", body("one")).await.ok();
    assert_eq!((&again["task_id"], &again["replayed"]), (&first["task_id"], &json!(true)));
    let refused = hub.post(&alice.token, "/api/task", body("two")).await.refused(409, "idempotency_conflict");
    assert_eq!(refused["task_id"], first["task_id"]);
    let request = TestHub::request("POST", "/api/task", &alice.token)
        .header("content-type", "application/json")
        .header("idempotency-key", "k")
        .body(Body::from(json!({ "alias": "counter", "task": "one" }).to_string()))
        .unwrap();
    assert_eq!(hub.send(request).await.ok()["task_id"], first["task_id"], "the header says the same");
    let other = hub.node(&alice, "other").await;
    let theirs = hub.post(&other.token, "/api/task", body("one")).await.ok();
    assert_eq!(theirs["replayed"], false, "keys of other senders are other keys");
    assert_eq!(hub.get(&alice.token, "/api/tasks").await.ok()["count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_retries_at_once_store_one_task() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let body = json!({ "alias": "counter", "task": "once", "idempotency_key": "k" });
    let replies = join_all((0..100).map(|_| hub.post(&alice.token, "/api/task", body.clone()))).await;
    let answers: Vec<Value> = replies.into_iter().map(super::kit::Reply::ok).collect();
    let ids: BTreeSet<_> = answers.iter().map(|answer| answer["task_id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer["replayed"] == false).count(), 1);
    assert_eq!(hub.get(&alice.token, "/api/tasks").await.ok()["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_sent_at_once_are_each_claimed_once() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let texts: Vec<String> = (0..50).map(|number| format!("task {number}")).collect();
    let sent: BTreeSet<String> =
        join_all(texts.iter().map(|text| hub.task(&alice.token, "counter", text))).await.into_iter().collect();
    assert_eq!(sent.len(), 50);
    let mut claimed = Vec::new();
    while claimed.len() < 50 {
        let batch = hub.claim(&run, 7).await;
        assert!(!batch.is_empty(), "nothing is lost");
        claimed.extend(batch.iter().map(|task| task["task_id"].as_str().unwrap().to_owned()));
    }
    assert!(hub.claim(&run, 7).await.is_empty());
    assert_eq!(claimed.len(), 50, "nothing is claimed twice");
    assert_eq!(claimed.iter().cloned().collect::<BTreeSet<_>>(), sent);
    join_all(claimed.iter().map(|task| hub.reply(&run, task, 1, "done"))).await;
    let stats = hub.get(&alice.token, "/api/tasks").await.ok()["stats"].clone();
    assert_eq!(stats, json!([{ "status": "replied", "count": 50 }]));
    crate::store::tests::assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn an_inbox_is_claimed_by_priority_then_by_age() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    for (text, priority) in [("a", "low"), ("b", "normal"), ("c", "high"), ("d", "normal"), ("e", "high")] {
        let body = json!({ "alias": "counter", "task": text, "priority": priority });
        hub.post(&alice.token, "/api/task", body).await.ok();
    }
    let order: Vec<_> = hub.claim(&run, 10).await.iter().map(|task| task["content"].clone()).collect();
    assert_eq!(order, ["c", "e", "b", "d", "a"]);
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_tasks_arrive() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let mut sent = Vec::new();
    for number in 0..7 {
        sent.push(hub.task(&alice.token, "counter", &number.to_string()).await);
    }
    let (mut seen, mut path) = (Vec::new(), "/api/tasks?limit=3".to_owned());
    loop {
        let page = hub.get(&alice.token, &path).await.ok();
        seen.extend(page["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].as_str().unwrap().to_owned()));
        hub.task(&alice.token, "counter", "late").await;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/tasks?limit=3&cursor={cursor}");
    }
    sent.reverse();
    assert_eq!(seen, sent);
    hub.get(&alice.token, "/api/tasks?cursor=x").await.refused(400, "invalid_input");
}

#[tokio::test]
async fn a_part_belongs_to_a_task_of_the_same_network_and_the_chain_ends() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    let (one, two) = (hub.node(&alice, "one").await, hub.node(&alice, "two").await);
    hub.node(&bob, "his").await;
    let mut parent = hub.task(&alice.token, "one", "0").await;
    for hop in 1..=16 {
        let (from, to) = if hop % 2 == 1 { (&one, "two") } else { (&two, "one") };
        let body = json!({ "alias": to, "task": "on", "parent_task_id": parent });
        let sent = hub.post(&from.token, "/api/task", body).await.ok();
        parent = sent["task_id"].as_str().unwrap().to_owned();
        assert_eq!(hub.state(&alice.token, &parent).await["hop_count"], hop);
    }
    let body = json!({ "alias": "two", "task": "on", "parent_task_id": parent });
    hub.post(&one.token, "/api/task", body).await.refused(400, "invalid_input");
    let foreign = json!({ "alias": "his", "task": "x", "parent_task_id": parent });
    let foreign = hub.post(&bob.token, "/api/task", foreign).await.refused(404, "task_not_found");
    let missing = json!({ "alias": "his", "task": "x", "parent_task_id": "none" });
    let missing = hub.post(&bob.token, "/api/task", missing).await.refused(404, "task_not_found");
    assert_eq!(foreign["error"], missing["error"]);
    let parts = hub.get(&alice.token, &format!("/api/tasks?parent_task_id={parent}")).await.ok();
    assert_eq!(parts["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_task() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    let path = format!("/api/tasks/{task}?wait=25");
    let (waited, ()) = tokio::join!(hub.get(&alice.token, &path), async {
        hub.reply(&run, &task, 1, "42").await.ok();
    });
    assert_eq!(waited.ok()["task"]["result"], "42");
    hub.get(&alice.token, &format!("/api/task/{task}?wait=26")).await.refused(400, "invalid_input");
}

#[tokio::test]
async fn a_cancelled_task_is_called_off_at_its_holder_and_its_answer_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    hub.attempt(&run, "ack", &task, 1, json!({})).await.ok();
    let mut stream = hub.listen_as(&run, None).await;
    let path = format!("/api/task/{task}/cancel");
    let body = json!({ "reason": "no longer needed" });
    let done = hub.post(&alice.token, &path, body).await.ok();
    assert_eq!((&done["task"]["status"], &done["task"]["result"]), (&json!("cancelled"), &json!("no longer needed")));
    let event = stream.next().await.unwrap().data;
    assert_eq!(
        (&event["type"], &event["task_id"], &event["attempt"]),
        (&json!("task_cancelled"), &json!(task), &json!(1))
    );
    let refused = hub.reply(&run, &task, 1, "42").await.refused(409, "task_terminal");
    assert_eq!(refused["task_status"], "cancelled");
    hub.post(&alice.token, &path, json!({})).await.ok();
    assert_eq!(hub.state(&alice.token, &task).await["result"], "no longer needed");
}

#[tokio::test]
async fn a_node_calls_off_only_what_it_has_sent() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let (one, _) = (hub.node(&alice, "one").await, hub.node(&alice, "two").await);
    let mine = hub.task(&one.token, "two", "x").await;
    let hers = hub.task(&alice.token, "two", "x").await;
    hub.post(&one.token, &format!("/api/task/{hers}/cancel"), json!({})).await.refused(403, "permission_denied");
    hub.post(&one.token, &format!("/api/task/{mine}/cancel"), json!({})).await.ok();
}

#[tokio::test]
async fn words_reach_agents_and_people_but_no_strangers() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.person("bob").await;
    let run = hub.running(&alice, "counter").await;
    let mut hers = hub.listen(&alice.token, "/events/alice", None).await;
    let mut its = hub.listen_as(&run, None).await;
    let words = |to: &str| json!({ "alias": to, "message": "hello" });
    assert_eq!(hub.post(&alice.token, "/api/message", words("counter")).await.ok()["online"], true);
    assert_eq!(hub.post(&run.token, "/api/message", words("alice")).await.ok()["online"], true);
    hub.post(&run.token, "/api/message", words("bob")).await.refused(404, "alias_not_found");
    assert_eq!(its.next().await.unwrap().data["from"], "alice");
    assert_eq!(hers.next().await.unwrap().data["from"], "counter");
    let list = hub.get(&alice.token, "/api/messages?alias=alice").await.ok();
    assert_eq!(list["messages"].as_array().unwrap().len(), 2);
    hub.clock.advance(3601);
    assert_eq!(hub.get(&alice.token, "/api/messages").await.ok()["messages"], json!([]));
    let since = hub.get(&alice.token, "/api/messages?since=2026-11-22T00:00:00Z&limit=1").await.ok();
    assert!(since["next_cursor"].is_string());
}
