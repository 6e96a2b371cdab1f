use anet_protocol::event::Event;
use anet_protocol::id::{Alias, MessageId};
use serde_json::json;

use crate::events::Channel;
use crate::tests::kit::{Run, TestHub};

/// Attack 35 (hub-limits §3).
#[tokio::test]
async fn hostile_text_is_kept_as_it_is_and_stays_inside_its_frame() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut stream = hub.listen_as(&run, None).await;
    let text = "a\r\n\r\ndata: {\"type\":\"forged\"}\n\n\u{1b}[31m</script>\u{202e}\u{2028}";
    let task = hub.task(&alice.token, "counter", text).await;
    let body = json!({ "alias": "counter", "task": "x", "from": "x\u{2028}data: y" });
    hub.post(&alice.token, "/api/task", body).await.ok();
    assert_eq!(stream.next().await.unwrap().data["from"], "alice");
    assert_eq!(stream.next().await.unwrap().data["from"], "x\u{2028}data: y");
    assert_eq!(hub.state(&alice.token, &task).await["content"], text);
}

/// Attack 35 (hub-limits §3).
#[tokio::test]
async fn no_text_of_anybodys_adds_a_line_to_a_stream() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut stream = hub.listen_as(&run, None).await;
    let channel = Channel::node(&alice.network_id.as_str().into(), &"counter".into());
    let texts = [
        "a\ndata: {\"type\":\"forged\"}",
        "a\rdata: {\"type\":\"forged\"}",
        "a\r\n\r\nid: 99\ndata: {\"type\":\"forged\"}\n\n",
        "\u{0}",
        "\u{85}\u{2028}\u{2029}",
        ": comment\n\n",
        "\u{feff}data: x",
        "\u{b}\u{c}\u{1c}\u{1e}",
    ];
    // As if such a text had found its way past every check.
    for text in texts {
        let event = Event::NewMessage { from: text.to_owned(), message_id: MessageId::from(text) };
        hub.hub.live().streams.tell(&channel, &event);
        let frame = stream.next().await.unwrap();
        assert_eq!((frame.id, &frame.data["from"], &frame.data["message_id"]), (None, &json!(text), &json!(text)));
    }
    // And past the checks none does that ends a line.
    for text in &texts[..4] {
        let body = json!({ "alias": "counter", "task": "x", "from": text });
        hub.post(&alice.token, "/api/task", body).await.refused(400, "invalid_input");
        let body = json!({ "network_id": alice.network_id, "node_name": text });
        hub.post(&alice.token, "/api/auth/node-token", body).await.refused(400, "invalid_input");
        hub.post(&alice.token, "/api/networks", json!({ "name": text })).await.refused(400, "invalid_input");
    }
}

/// Attack 36 (hub-limits §3).
#[tokio::test]
async fn a_person_listens_to_the_own_name_and_to_agents_of_own_networks() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let (alice, bob) = (hub.person("alice").await, hub.person("bob").await);
    hub.node(&alice, "counter").await;
    hub.node(&bob, "writer").await;
    for name in [
        "bob",
        "writer",
        "*",
        "%",
        "..",
        "%2e%2e",
        "alice%2fcounter",
        "counter%2f",
        "counter%00",
        "node:counter",
        "user:alice",
        "ALICE",
        "alice%20",
        "network",
        "users%2fme",
        "%F0%9F%92%A9",
    ] {
        for network in [String::new(), format!("?network_id={}", alice.network_id)] {
            hub.get(&alice.token, &format!("/events/{name}{network}")).await.refused(403, "access_denied");
        }
    }
    for name in ["bob", "writer", "alice"] {
        let path = format!("/events/{name}?network_id={}", bob.network_id);
        hub.get(&alice.token, &path).await.refused(403, "access_denied");
    }
    assert_eq!(hub.get("", "/health").await.ok()["sse_connections"], 0);
    drop(hub.listen(&alice.token, "/events/counter", None).await);
}

/// Attack 36 (hub-limits §3).
#[tokio::test]
async fn two_runs_of_one_node_do_not_share_an_inbox() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let mut its = hub.listen_as(&first, None).await;
    let second = Run { instance: "i_2".to_owned(), ..first.clone() };
    hub.register(&second, &[]).await.refused(409, "node_already_running");
    hub.get(&second.token, "/events/counter?instance_id=i_2").await.refused(409, "instance_superseded");
    let claim = json!({ "instance_id": "i_2", "max": 1 });
    hub.task(&alice.token, "counter", "x").await;
    hub.post(&second.token, "/api/node/claim", claim).await.refused(409, "instance_superseded");
    assert_eq!(its.next_type().await, "new_task");
    // Whoever makes a token for the same name has the same node, not another one behind its back.
    let body = json!({ "network_id": alice.network_id, "node_name": "counter" });
    let again = hub.post(&alice.token, "/api/auth/node-token", body).await.ok();
    assert_eq!(again["node_id"], json!(first.node_id));
}

/// Attack 37 (hub-limits §3).
#[tokio::test]
async fn a_reader_that_reads_nothing_is_cut_off_and_keeps_nobody_waiting() {
    let hub = TestHub::open_with(|settings| settings.stream_queue = 256).await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    hub.node(&alice, "other").await;
    let mut slow = hub.listen_as(&run, None).await;
    let mut quick = hub.listen(&alice.token, "/events/other", None).await;
    let streams = &hub.hub.live().streams;
    let network = alice.network_id.as_str().into();
    let event = Event::NewMessage { from: "x".repeat(1000), message_id: MessageId::from("m") };
    for _ in 0..100_000 {
        streams.tell(&Channel::node(&network, &Alias::from("counter")), &event);
    }
    assert_eq!(streams.count(), 1, "only the other one is left");
    streams.tell(&Channel::node(&network, &Alias::from("other")), &event);
    assert_eq!(quick.next_type().await, "new_message");
    let mut kept = 0;
    while slow.next().await.is_some() {
        kept += 1;
    }
    assert_eq!(kept, 256, "no more is kept for it than the queue holds");
    drop(slow);
    let task = hub.task(&alice.token, "counter", "x").await;
    assert_eq!(hub.claim(&run, 1).await[0]["task_id"], json!(task), "the inbox has everything");
}

/// Attack 38 (hub-limits §3).
#[tokio::test]
async fn an_event_id_of_another_network_replays_nothing_of_it() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let (alice, bob) = (hub.person("alice").await, hub.person("bob").await);
    let (hers, his) = (hub.running(&alice, "counter").await, hub.running(&bob, "counter").await);
    let mut theirs = hub.listen_as(&his, None).await;
    let mut last = 0;
    for number in 0..5 {
        hub.task(&alice.token, "counter", &format!("secret {number}")).await;
        hub.task(&bob.token, "counter", "x").await;
        last = theirs.next().await.unwrap().id.unwrap();
    }
    for from in 0..=last {
        let mut stream = hub.listen_as(&hers, Some(from)).await;
        hub.hub.live().streams.close_channel(&Channel::node(&alice.network_id.as_str().into(), &"counter".into()));
        let mut ids = Vec::new();
        while let Some(frame) = stream.next().await {
            if frame.data["type"] == "replay_gap" {
                continue;
            }
            assert_eq!(frame.data["from"], "alice");
            ids.extend(frame.id);
        }
        assert!(ids.is_sorted() && ids.iter().all(|id| *id > from), "{from}: {ids:?}");
    }
    for forged in ["-1", "9223372036854775808", "1.5", "1e3", " 1", "+1", "0x1", "1;2", ""] {
        let request = TestHub::request("GET", "/events/alice", &alice.token).header("last-event-id", forged);
        let request = request.body(axum::body::Body::empty()).unwrap();
        if forged == "+1" {
            // A number all the same.
            continue;
        }
        hub.send(request).await.refused(400, "invalid_input");
    }
}
