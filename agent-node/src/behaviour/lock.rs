//! Two processes never work from one directory, and a new run tells the hub which earlier ones are dead.

use anet_protocol::exit_code::ExitCode;
use anet_protocol::notification::Link;
use serde_json::{Value, json};

use super::bench::{Bench, is_alive};
use super::fake_hub::refusal;
use super::task;

/// The instances that the last registration called dead.
fn previous(bench: &Bench) -> Value {
    bench.hub.bodies("register").last().unwrap()["previous"].clone()
}

fn instance(bench: &Bench, number: u32) -> Value {
    json!(bench.settings("", number).instance_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_in_one_directory_ends_and_touches_nothing() {
    let bench = Bench::new();
    let node = bench.start("echo $$ > pid; sleep 1000");
    bench.hub.send(task("t1", 1, "count"));
    let pid = bench.line_in("pid").await;
    let mut second = bench.settings("echo 42", 2);
    second.pid = 2;
    assert_eq!(bench.run(second).ended().await, ExitCode::Evicted);
    let error = bench.notified.borrow().last().unwrap().error.clone().unwrap();
    assert_eq!(error, format!("another process works from {}: pid 1 on here", bench.path("work").display()));
    assert!(is_alive(&pid));
    assert_eq!(bench.files("work/journal"), ["t1.1.json"]);
    let own = instance(&bench, 1);
    assert!(bench.hub.bodies("register").iter().all(|body| body["instance_id"] == own));
    bench.hub.event(&json!({"type": "task_cancelled", "task_id": "t1", "attempt": 1}));
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_run_names_the_dead_ones_even_those_that_never_registered() {
    let mut bench = Bench::new();
    let first = bench.start("echo 42");
    bench.hub.until("registered", |state| !state.taken("register").is_empty()).await;
    assert_eq!(previous(&bench), Value::Null, "nothing ran before the first");
    first.crash().await;
    bench.hub.kill();
    let second = bench.run(bench.settings("echo 42", 2));
    bench.until_notified("unreachable", |notification| notification.link == Some(Link::Unreachable)).await;
    second.crash().await;
    bench.hub.restart().await;
    bench.hub.change(|state| state.calls.clear());
    let third = bench.run(bench.settings("echo 42", 3));
    bench.hub.until("registered", |state| !state.taken("register").is_empty()).await;
    assert_eq!(previous(&bench), json!([instance(&bench, 1), instance(&bench, 2)]));
    assert_eq!(third.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_directory_names_nobody() {
    let bench = Bench::new();
    let original = bench.start("echo 42");
    bench.until_notified("ready", |notification| notification.ready).await;
    let mut copy = bench.settings("echo 42", 2);
    copy.state_dir = bench.path("copy");
    std::fs::create_dir(&copy.state_dir).unwrap();
    for name in bench.files("work").iter().filter(|name| bench.path("work").join(name).is_file()) {
        std::fs::copy(bench.path("work").join(name), copy.state_dir.join(name)).unwrap();
    }
    assert_eq!(bench.files("copy"), ["lock", "runs.json"]);
    bench.hub.change(|state| {
        let mut body = refusal("node_already_running");
        body["holder"] = json!({"instance_id": instance(&bench, 1), "connected": true});
        state.script("register", 409, body);
    });
    assert_eq!(bench.run(copy).ended().await, ExitCode::Evicted);
    assert_eq!(previous(&bench), Value::Null);
    assert_eq!(original.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holder_whose_connection_the_hub_still_sees_is_waited_for() {
    let bench = Bench::new();
    let first = bench.start("echo 42");
    bench.until_notified("ready", |notification| notification.ready).await;
    first.crash().await;
    bench.notified.send_replace(Vec::new());
    let mut body = refusal("node_already_running");
    body["holder"] = json!({"instance_id": instance(&bench, 1), "connected": true});
    bench.hub.change(|state| {
        state.script("register", 409, body.clone());
        state.script("register", 409, body);
    });
    let mut settings = bench.settings("echo 42", 2);
    settings.timing.holder_silence = std::time::Duration::ZERO;
    let second = bench.run(settings);
    bench.until_notified("ready", |notification| notification.ready).await;
    assert_eq!(second.stopped().await, ExitCode::Stopped);
}
