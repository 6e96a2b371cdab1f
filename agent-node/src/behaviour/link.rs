use std::time::Duration;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::notification::Link;
use secrecy::SecretString;
use serde_json::json;

use super::bench::{Bench, until_dead};
use super::fake_hub::{State, connected, refusal, wait_for};
use super::task;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_program_ends_before_it_registers() {
    for (program, code) in [
        ("no-such-program", ExitCode::CredentialMissing),
        ("/no/such/program", ExitCode::CredentialMissing),
        ("./text", ExitCode::CredentialMissing),
        ("", ExitCode::CredentialMissing),
    ] {
        let bench = Bench::new();
        std::fs::write(bench.path("text"), "not executable").unwrap();
        let mut settings = bench.settings("", 1);
        settings.runtime.argv = vec![program.to_owned()];
        assert_eq!(bench.run(settings).ended().await, code, "{program}");
        let error = bench.notified.borrow().last().unwrap().error.clone().unwrap();
        assert!(error.contains(program.trim_start_matches("./")) && !error.contains("/./"), "{error}");
        assert!(bench.hub.state.borrow().calls.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_found_from_the_project_and_beside_anet() {
    for (program, place) in [("./agents/mine", "agents"), ("mine", "bin")] {
        let bench = Bench::new();
        std::fs::create_dir(bench.path(place)).unwrap();
        // A link: a program that was written a moment ago may still count as open for writing.
        std::os::unix::fs::symlink("/bin/pwd", bench.path(place).join("mine")).unwrap();
        let mut settings = bench.settings("", 1);
        settings.runtime.argv = vec![program.to_owned()];
        settings.program_dir = Some(bench.path("bin"));
        let node = bench.run(settings);
        bench.hub.send(task("t1", 1, "count"));
        bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
        assert_eq!(bench.hub.bodies("reply")[0]["text"], format!("{}\n", bench.dir.path().display()));
        assert_eq!(node.stopped().await, ExitCode::Stopped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_told_from_faults() {
    let bench = Bench::new();
    let mut settings = bench.settings("", 1);
    settings.hub = "127.0.0.1:9200".to_owned();
    assert_eq!(bench.run(settings).ended().await, ExitCode::ConfigInvalid);
    let mut settings = bench.settings("", 1);
    settings.socket_dir = bench.path(&"d".repeat(100));
    assert_eq!(bench.run(settings).ended().await, ExitCode::ConfigInvalid);
    let mut settings = bench.settings("", 1);
    settings.project_dir = bench.path("gone");
    assert_eq!(bench.run(settings).ended().await, ExitCode::ConfigInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_ready_and_claims_when_its_stream_is_open_and_not_before() {
    let bench = Bench::new();
    bench.hub.change(|state| state.greeting = Some(": not yet\n\n".to_owned()));
    bench.hub.change(|state| state.inbox.push_back(task("t1", 1, "count")));
    let node = bench.start("echo 42");
    bench.hub.until("the stream", |state| !state.streams.is_empty()).await;
    bench.hub.event(&json!({"type": "new_task", "task_id": "t1", "inbox_count": 1, "priority": "normal", "from": "x"}));
    assert!(bench.notified.borrow().iter().all(|notification| !notification.ready));
    assert!(bench.hub.bodies("claim").is_empty());
    bench.hub.frame(&connected());
    bench.until_notified("ready", |notification| notification.ready).await;
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_waited_are_claimed_without_any_event() {
    let bench = Bench::new();
    for number in 0..3 {
        bench.hub.change(|state| state.inbox.push_back(task(&format!("t{number}"), 1, "count")));
    }
    let node = bench.start("echo 42");
    bench.hub.until("all replies", |state| state.taken("reply").len() == 3).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_doorbell_delays_a_task_and_does_not_lose_it() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo 42", 1);
    settings.timing.inbox_poll = Duration::from_millis(50);
    let node = bench.run(settings);
    bench.until_notified("ready", |notification| notification.ready).await;
    bench.hub.change(|state| state.inbox.push_back(task("t1", 1, "count")));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_replaced_and_goes_on_where_it_was() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo 42", 1);
    settings.timing.read_watchdog = Duration::from_millis(300);
    bench.hub.change(|state| {
        let event = json!({"type": "status_update", "alias": "other", "status": "idle"});
        state.greeting = Some(format!("{}id: 17\ndata: {event}\n\n", connected()));
    });
    let node = bench.run(settings);
    bench.hub.until("two streams", |state| state.named("events").len() == 2).await;
    {
        let state = bench.hub.state.borrow();
        let streams = state.named("events");
        assert_eq!(streams[0].headers.get("last-event-id"), None);
        assert_eq!(streams[1].headers["last-event-id"], "17");
        assert!(streams[1].query.starts_with("instance_id=i_"), "{}", streams[1].query);
        assert!(state.named("register").len() >= 2, "each connection begins with a registration");
    }
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_token_is_refused_stays_and_takes_the_next_one() {
    let bench = Bench::new();
    bench.hub.change(|state| state.token = "ntok_new".to_owned());
    let node = bench.start("echo 42");
    bench.until_notified("the refusal", |told| told.link == Some(Link::Unauthorized) && told.error.is_some()).await;
    bench.hub.until("the token shown three times", |state| state.named("register").len() == 3).await;
    bench.hub.send(task("t1", 1, "count"));
    node.token.send_replace(SecretString::from("ntok_new"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(bench.hub.bodies("register").len(), 4, "the dead token was shown three times and no more");
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_in_hand_goes_on_while_the_token_is_refused_and_costs_the_hub_nothing() {
    let bench = Bench::new();
    let mut settings = bench.settings("until [ -e go ]; do sleep 0.02; done; echo 42", 1);
    settings.timing.backoff_first = Duration::from_millis(1);
    let node = bench.run(settings);
    bench.hub.change(|state| state.lease_seconds = 1);
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("at work", |state| state.named("renew").iter().any(|call| call.body["running"] == true)).await;
    bench.hub.change(|state| state.token = "ntok_new".to_owned());
    bench.until_notified("the refusal", |told| told.link == Some(Link::Unauthorized)).await;
    let refused = |state: &State| state.calls.iter().filter(|call| call.status == 401).count();
    bench.hub.until("the token shown three times", |state| refused(state) >= 4).await;
    std::fs::write(bench.path("go"), "").unwrap();
    wait_for("the answer in the outbox", || (bench.files("work/outbox") == ["t1.1.json"]).then_some(())).await;
    node.token.send_replace(SecretString::from("ntok_new"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    let state = bench.hub.state.borrow();
    assert_eq!(state.taken("reply").len(), 1);
    assert!(refused(&state) <= 6, "one call in flight each, and three looks of the link: {}", refused(&state));
    drop(state);
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_is_used_at_once_and_an_answer_waits_for_it() {
    let bench = Bench::new();
    let mut settings = bench.settings("until [ -e go ]; do sleep 0.02; done; echo 42", 1);
    // So long that only the new token can be what ends a wait.
    settings.timing.backoff_first = Duration::from_secs(3600);
    settings.timing.backoff_longest = Duration::from_secs(3600);
    let node = bench.run(settings);
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("at work", |state| state.named("renew").iter().any(|call| call.body["running"] == true)).await;
    bench.hub.change(|state| state.token = "ntok_new".to_owned());
    std::fs::write(bench.path("go"), "").unwrap();
    bench.hub.until("the refused call", |state| state.calls.iter().any(|call| call.status == 401)).await;
    wait_for("the answer in the outbox", || (bench.files("work/outbox") == ["t1.1.json"]).then_some(())).await;
    // The 401 makes the link look, after its first wait, which the new token ends.
    node.token.send_replace(SecretString::from("ntok_new"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_of_a_node_is_refused_by_name() {
    let bench = Bench::new();
    let mut body = refusal("node_already_running");
    body["holder"] =
        json!({"instance_id": "i_other", "hostname": "there", "pid": 7, "project_dir": "/srv", "connected": true});
    bench.hub.change(|state| state.script("register", 409, body));
    assert_eq!(bench.start("echo 42").ended().await, ExitCode::Evicted);
    let notified = bench.notified.borrow();
    let told = notified.iter().find(|notification| notification.link == Some(Link::Superseded)).unwrap();
    let words = "another instance of this node is alive: pid 7 on there, project /srv, connected";
    assert_eq!(told.error.as_deref(), Some(words));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_node_ends_with_its_work() {
    for by_event in [true, false] {
        let bench = Bench::new();
        let node = bench.start("echo $$ > pid; sleep 1000");
        bench.hub.send(task("t1", 1, "count"));
        let pid = bench.line_in("pid").await;
        if by_event {
            bench.hub.event(&json!({"type": "node_connection_superseded", "instance_id": "i_other"}));
        } else {
            bench.hub.change(|state| {
                state.always.insert("report", (409, refusal("instance_superseded")));
                state.always.insert("claim", (409, refusal("instance_superseded")));
            });
            bench.hub.event(&json!({"type": "task_cancelled", "task_id": "t1", "attempt": 1}));
        }
        assert_eq!(node.ended().await, ExitCode::Evicted);
        until_dead(&pid).await;
        assert!(bench.hub.bodies("fail").is_empty() && bench.hub.bodies("reply").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_uses_a_connection_that_the_hub_may_be_closing() {
    let bench = Bench::new();
    bench.hub.change(|state| state.heartbeat_seconds = 1);
    let mut settings = bench.settings("echo 42", 1);
    settings.timing.idle = Duration::from_millis(100);
    let node = bench.run(settings);
    bench.hub.until("three heartbeats in a row", |state| state.taken("report").len() >= 3).await;
    {
        let state = bench.hub.state.borrow();
        let mut connections: Vec<_> = state.named("report").iter().map(|call| call.peer).collect();
        let heartbeats = connections.len();
        connections.dedup();
        assert_eq!(connections.len(), heartbeats, "{connections:?}");
    }
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_ends_the_access_of_a_node_is_at_no_time_called_unreachable() {
    let bench = Bench::new();
    let node = bench.start("echo 42");
    bench.until_notified("ready", |notification| notification.ready).await;
    // The stream alone tells of it: a heartbeat that is refused would tell at once what the matter is.
    bench.hub.change(|state| {
        state.always.insert("register", (401, refusal("invalid_token")));
        state.streams.clear();
    });
    bench.until_notified("the refusal", |told| told.link == Some(Link::Unauthorized)).await;
    {
        let notified = bench.notified.borrow();
        let broken = notified.iter().find(|told| told.link == Some(Link::Reconnecting)).expect("the break is told");
        assert!(broken.error.is_none() && broken.status.is_some(), "{broken:?}");
        assert!(notified.iter().all(|told| told.link != Some(Link::Unreachable)), "{notified:?}");
    }
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_hub_is_waited_for() {
    let mut bench = Bench::new();
    bench.hub.kill();
    let node = bench.start("echo 42");
    bench.until_notified("unreachable", |notification| notification.link == Some(Link::Unreachable)).await;
    bench.hub.restart().await;
    bench.until_notified("ready", |notification| notification.ready).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_without_a_stream_is_waited_for_but_not_for_ever() {
    let mut body = refusal("node_already_running");
    body["holder"] = json!({"instance_id": "i_other", "connected": false});
    let bench = Bench::new();
    bench.hub.change(|state| {
        for _ in 0..10 {
            state.script("register", 409, body.clone());
        }
    });
    let mut settings = bench.settings("echo 42", 1);
    // Doubled at each refusal, the waits together would be longer than a test may take.
    settings.timing.backoff_longest = Duration::from_secs(3600);
    settings.timing.backoff_first = Duration::from_millis(100);
    let node = bench.run(settings);
    bench.until_notified("ready", |notification| notification.ready).await;
    {
        let notified = bench.notified.borrow();
        assert!(notified.iter().all(|notification| notification.link != Some(Link::Superseded)), "{notified:?}");
        let waiting = notified.iter().find(|notification| notification.link == Some(Link::Unreachable)).unwrap();
        let words = "waiting until the hub gives up another instance of this node: i_other, not connected";
        assert_eq!((waiting.status.as_deref(), &waiting.error), (Some(words), &None));
    }
    assert_eq!(node.stopped().await, ExitCode::Stopped);

    let bench = Bench::new();
    bench.hub.change(|state| {
        state.always.insert("register", (409, body));
    });
    let mut settings = bench.settings("echo 42", 1);
    settings.timing.holder_silence = Duration::from_millis(50);
    assert_eq!(bench.run(settings).ended().await, ExitCode::Evicted);
    assert!(bench.hub.bodies("register").len() > 1);
}
