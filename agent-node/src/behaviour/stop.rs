use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anet_protocol::Clock;
use anet_protocol::exit_code::ExitCode;
use anet_protocol::time::Timestamp;
use serde_json::json;

use super::bench::{Bench, is_alive};
use super::fake_hub::refusal;
use super::task;

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_finishes_its_work_claims_no_more_and_says_goodbye() {
    let bench = Bench::new();
    let node = bench.start("echo $$ > pid; until [ -e go ]; do sleep 0.02; done; echo done");
    bench.hub.send(task("t1", 1, "count"));
    bench.line_in("pid").await;
    node.stop.cancel();
    bench.until_notified("stopping", |notification| notification.stopping).await;
    bench.hub.send(task("t2", 1, "count"));
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(node.ended().await, ExitCode::Stopped);
    let state = bench.hub.state.borrow();
    assert_eq!(state.taken("reply").len(), 1);
    assert_eq!(state.inbox.len(), 1);
    let last = state.calls.last().unwrap();
    assert_eq!((last.name.as_str(), &last.body["status"]), ("report", &json!("offline")));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_does_not_end_in_time_goes_back_to_the_hub() {
    let bench = Bench::new();
    let mut settings = bench.settings("setsid sh -c 'trap \"\" TERM; echo $$ > pid; sleep 1000' & wait", 1);
    settings.timing.drain = Duration::from_millis(100);
    let node = bench.run(settings);
    bench.hub.send(task("t1", 1, "count"));
    let pid = bench.line_in("pid").await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert!(!is_alive(&pid));
    let failures = bench.hub.bodies("fail");
    assert_eq!((&failures[0]["error"]["code"], &failures[0]["give_back"]), (&json!("node_stopped"), &json!(true)));
    assert_eq!(bench.hub.state.borrow().calls.last().unwrap().body["status"], "offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_without_a_hub_ends_and_keeps_the_answer_for_the_next_run() {
    let mut bench = Bench::new();
    bench.hub.change(|state| {
        state.always.insert("reply", (503, refusal("storage_unavailable")));
    });
    let mut settings = bench.settings("echo 42", 1);
    settings.timing.farewell = Duration::from_millis(100);
    let node = bench.run(settings);
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("a try", |state| !state.named("reply").is_empty()).await;
    bench.hub.kill();
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert_eq!(bench.files("work/outbox"), ["t1.1.json"]);
}

/// A clock that breaks down when it is told to.
#[derive(Default)]
struct Fragile(AtomicBool);

impl Clock for Fragile {
    fn now(&self) -> Timestamp {
        assert!(!self.0.load(Ordering::SeqCst), "the clock is broken");
        Timestamp::from_millis(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_one_part_ends_the_whole_node_and_leaves_nothing() {
    let bench = Bench::new();
    let clock = Arc::new(Fragile::default());
    let mut settings = bench.settings("setsid sh -c 'echo $$ > pid; sleep 1000' & wait", 1);
    settings.max_concurrent = 2;
    let node = bench.run_with(settings, Arc::clone(&clock) as Arc<dyn Clock>);
    bench.hub.send(task("t1", 1, "count"));
    let pid = bench.line_in("pid").await;
    clock.0.store(true, Ordering::SeqCst);
    bench.hub.send(task("t2", 1, "count"));
    assert_eq!(node.ended().await, ExitCode::Fault);
    assert!(!is_alive(&pid));
    assert!(bench.notified.borrow().iter().any(|notification| notification.error.is_some()));
}
