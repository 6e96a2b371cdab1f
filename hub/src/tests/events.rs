use anet_protocol::id::InstanceId;
use serde_json::json;

use super::kit::{Run, TestHub};
use crate::work::sweep::prune;

#[tokio::test]
async fn a_doorbell_rings_without_content_and_the_answer_comes_back() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut its = hub.listen_as(&run, None).await;
    let mut hers = hub.listen(&alice.token, "/events/alice", None).await;
    let body = json!({ "alias": "counter", "task": "secret words" });
    let sent = hub.post(&alice.token, "/api/task", body).await.ok();
    assert_eq!((&sent["online"], &sent["session_status"]), (&json!(true), &json!("idle")));
    let task = sent["task_id"].as_str().unwrap();
    let frame = its.next().await.unwrap();
    assert!(frame.id.is_some());
    assert_eq!(
        frame.data,
        json!({
            "type": "new_task", "task_id": task, "inbox_count": 1, "priority": "normal", "from": "alice",
        })
    );
    hub.claim(&run, 1).await;
    hub.reply(&run, task, 1, "42").await.ok();
    let frame = hers.next().await.unwrap();
    assert_eq!(
        (&frame.data["type"], &frame.data["in_reply_to"], &frame.data["status"], &frame.data["from"]),
        (&json!("new_reply"), &json!(task), &json!("replied"), &json!("counter"))
    );
    hub.hub.save_presence().await.unwrap();
    assert!(hub.state(&alice.token, task).await["pushed_at"].is_string());
    assert_eq!(hub.get("", "/health").await.ok()["sse_connections"], 2);
    drop((its, hers));
    assert_eq!(hub.get("", "/health").await.ok()["sse_connections"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_reconnects_misses_nothing_and_hears_nothing_twice() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let other = hub.running(&alice, "other").await;
    let expected = 60;
    let sending = async {
        for number in 0..expected {
            hub.task(&alice.token, "counter", &number.to_string()).await;
            hub.task(&alice.token, "other", &number.to_string()).await;
        }
    };
    let listening = async {
        let (mut last, mut counts) = (0, Vec::new());
        while counts.len() < expected {
            let mut stream = hub.listen_as(&run, Some(last)).await;
            // A few frames at a time, then the connection breaks.
            for _ in 0..7.min(expected - counts.len()) {
                let frame = stream.next().await.unwrap();
                last = frame.id.unwrap();
                counts.push(frame.data["inbox_count"].as_u64().unwrap());
            }
        }
        counts
    };
    let ((), counts) = tokio::join!(sending, listening);
    assert_eq!(counts, (1..=expected as u64).collect::<Vec<_>>());
    drop(other);
}

#[tokio::test]
async fn an_event_that_is_gone_or_never_was_is_told_as_a_gap() {
    let hub = TestHub::open_with(|settings| settings.event_count = 2).await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    for number in 0..5 {
        hub.task(&alice.token, "counter", &number.to_string()).await;
    }
    prune(&hub.hub).await.unwrap();
    let mut stream = hub.listen_as(&run, Some(1)).await;
    let gap = stream.next().await.unwrap();
    assert_eq!((gap.id, &gap.data["type"], &gap.data["oldest_event_id"]), (None, &json!("replay_gap"), &json!(4)));
    assert_eq!(stream.next().await.unwrap().data["inbox_count"], 4);
    assert_eq!(stream.next().await.unwrap().data["inbox_count"], 5);
    drop(stream);
    let mut stream = hub.listen_as(&run, Some(3)).await;
    assert_eq!(stream.next_type().await, "new_task", "nothing is missing after 3");
    drop(stream);
    let mut stream = hub.listen_as(&run, Some(i64::MAX)).await;
    assert_eq!(stream.next_type().await, "replay_gap");
    hub.task(&alice.token, "counter", "after").await;
    assert_eq!(stream.next().await.unwrap().data["inbox_count"], 6, "a forged id does not silence the stream");
    hub.clock.advance(8 * 24 * 3600);
    prune(&hub.hub).await.unwrap();
    let mut stream = hub.listen_as(&run, Some(5)).await;
    assert_eq!(stream.next_type().await, "replay_gap");
}

#[tokio::test]
async fn a_last_event_id_that_is_no_id_is_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    for query in ["last_event_id=-1", "last_event_id=9223372036854775808", "last_event_id=x"] {
        hub.get(&alice.token, &format!("/events/alice?{query}")).await.refused(400, "invalid_input");
    }
    let request = TestHub::request("GET", "/events/alice", &alice.token).header("last-event-id", "x");
    hub.send(request.body(axum::body::Body::empty()).unwrap()).await.refused(400, "invalid_input");
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_and_can_replay() {
    let hub = TestHub::open_with(|settings| settings.stream_queue = 4).await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut slow = hub.listen_as(&run, None).await;
    for number in 0..10 {
        hub.task(&alice.token, "counter", &number.to_string()).await;
    }
    let mut last = 0;
    let mut heard = 0;
    while let Some(frame) = slow.next().await {
        last = frame.id.unwrap();
        heard += 1;
    }
    assert_eq!(heard, 4, "what was queued still comes");
    drop(slow);
    let mut again = hub.listen_as(&run, Some(last)).await;
    for count in 5..=10 {
        assert_eq!(again.next().await.unwrap().data["inbox_count"], count);
    }
}

#[tokio::test]
async fn a_stream_is_closed_when_another_run_takes_over() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let mut hers = hub.listen(&alice.token, "/events/counter", None).await;
    let mut its = hub.listen_as(&first, None).await;
    hub.report(&first, "offline").await.ok();
    assert_eq!(its.next_type().await, "status_update");
    assert_eq!(hers.next_type().await, "status_update");
    // Presence holds the node for the open stream, so the takeover comes over the hub's own door.
    let by = InstanceId::from("i_2");
    let channel = crate::events::Channel::node(&alice.network_id.as_str().into(), &"counter".into());
    hub.hub.live().streams.supersede(&channel, &by);
    let frame = its.next().await.unwrap();
    assert_eq!(frame.data, json!({ "type": "node_connection_superseded", "instance_id": "i_2" }));
    assert_eq!(its.next_type().await, "end");
    hub.task(&alice.token, "counter", "x").await;
    assert_eq!(hers.next_type().await, "new_task", "people go on listening");
}

#[tokio::test]
async fn only_the_registered_run_may_listen_as_the_node() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let stranger = Run { instance: "i_9".to_owned(), ..run.clone() };
    let path = format!("/events/counter?instance_id={}", stranger.instance);
    hub.get(&run.token, &path).await.refused(409, "instance_superseded");
    hub.get(&run.token, "/events/counter").await.refused(400, "invalid_input");
    let node = &hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0];
    assert_eq!(node["connected"], false);
    assert_eq!(hub.get("", "/health").await.ok()["sse_connections"], 0, "a refused stream leaves nothing");
}
