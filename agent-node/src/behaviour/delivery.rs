use anet_protocol::exit_code::ExitCode;
use serde_json::{Value, json};

use super::bench::{Bench, is_alive, until_dead};
use super::fake_hub::{State, refusal, wait_for};
use super::task;

/// The task ids and attempts of the calls of this name that were taken.
fn taken(state: &State, name: &str) -> Vec<(String, u64)> {
    let id = |path: &str| path.split('/').nth(4).unwrap().to_owned();
    state.taken(name).into_iter().map(|call| (id(&call.path), call.body["attempt"].as_u64().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_put_on_disk_acknowledged_worked_on_and_answered() {
    let bench = Bench::new();
    // The agent shows what was on the disk when it began.
    let node = bench.start("cat; echo \" from $ANET_TASK_FROM for $ANET_ALIAS\"; ls work/journal work/outbox");
    bench.until_notified("ready", |notification| notification.ready).await;
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;

    let replies = bench.hub.bodies("reply");
    let text = replies[0]["text"].as_str().unwrap();
    assert_eq!(text, "count from alice for counter\nwork/journal:\nt1.1.json\n\nwork/outbox:\n");
    {
        let state = bench.hub.state.borrow();
        let order: Vec<&str> = state.calls.iter().map(|call| call.name.as_str()).collect();
        let place = |name| order.iter().position(|other| *other == name).unwrap();
        let running = state.calls.iter().position(|call| call.name == "renew" && call.body["running"] == true).unwrap();
        assert!(place("register") < place("events"), "{order:?}");
        assert!(place("ack") < running && running < place("reply"), "{order:?}");
        let reports: Vec<&Value> = state.named("report").into_iter().map(|call| &call.body).collect();
        assert!(
            reports.iter().any(|body| body["status"] == "working" && body["tasks"] == json!(["t1"])),
            "{reports:?}"
        );
    }
    bench.hub.until("idle again", |state| state.named("report").last().unwrap().body["status"] == "idle").await;
    wait_for("the outbox is empty", || bench.files("work/outbox").is_empty().then_some(())).await;
    assert_eq!(bench.files("work/journal"), [] as [&str; 0]);
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert_eq!(bench.files("sockets"), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_survives_faults_and_a_restart_of_the_hub_and_arrives_once() {
    let mut bench = Bench::new();
    bench.hub.change(|state| {
        state.always.insert("reply", (503, refusal("storage_unavailable")));
    });
    let node = bench.start("echo 42");
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("three tries", |state| state.named("reply").len() >= 3).await;
    assert_eq!(bench.files("work/outbox"), ["t1.1.json"]);
    bench.hub.kill();
    bench.hub.change(|state| {
        state.always.clear();
        state.calls.clear();
        state.script("reply", 502, json!("a proxy's page"));
        state.script("reply", 404, json!("a proxy's page"));
    });
    bench.hub.restart().await;
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    wait_for("the outbox is empty", || bench.files("work/outbox").is_empty().then_some(())).await;
    bench.hub.until("registered", |state| !state.taken("register").is_empty()).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert_eq!(taken(&bench.hub.state.borrow(), "reply"), [("t1".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn running_work_goes_on_over_a_restart_of_the_hub_under_the_same_attempt() {
    let mut bench = Bench::new();
    let node = bench.start("echo $$ > pid; until [ -e go ]; do sleep 0.02; done; echo done");
    bench.hub.send(task("t1", 3, "count"));
    let pid = bench.line_in("pid").await;
    bench.hub.kill();
    bench.hub.change(|state| state.calls.clear());
    bench.hub.restart().await;
    bench.hub.until("connected again", |state| !state.streams.is_empty()).await;
    assert_eq!(bench.hub.bodies("register").last().unwrap()["holding"], json!([{"task_id": "t1", "attempt": 3}]));
    assert!(is_alive(&pid));
    std::fs::write(bench.path("go"), "").unwrap();
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(taken(&bench.hub.state.borrow(), "reply"), [("t1".to_owned(), 3)]);
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waits_for_is_dropped() {
    for code in ["stale_attempt", "task_terminal", "task_not_found"] {
        let bench = Bench::new();
        let status = if code == "task_not_found" { 404 } else { 409 };
        bench.hub.change(|state| state.script("reply", status, refusal(code)));
        let node = bench.start("echo 42");
        bench.hub.send(task("t1", 1, "count"));
        bench.hub.until("the refused reply", |state| state.named("reply").len() == 1).await;
        wait_for("the outbox is empty", || bench.files("work/outbox").is_empty().then_some(())).await;
        bench.hub.send(task("t2", 1, "count"));
        bench.hub.until("the next reply", |state| !state.taken("reply").is_empty()).await;
        assert_eq!(taken(&bench.hub.state.borrow(), "reply"), [("t2".to_owned(), 1)], "{code}");
        assert_eq!(node.stopped().await, ExitCode::Stopped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_hub_will_never_take_becomes_a_failure() {
    let bench = Bench::new();
    bench.hub.change(|state| {
        state.always.insert("reply", (413, refusal("body_too_large")));
    });
    let node = bench.start("echo 42");
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the failure", |state| !state.taken("fail").is_empty()).await;
    let failures = bench.hub.bodies("fail");
    assert_eq!((&failures[0]["error"]["code"], &failures[0]["give_back"]), (&json!("answer_refused"), &json!(false)));
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_ends_the_work_on_it() {
    let bench = Bench::new();
    bench.hub.change(|state| state.lease_seconds = 1);
    let node = bench.start("echo $$ > pid; sleep 1000");
    bench.hub.send(task("t1", 1, "count"));
    let pid = bench.line_in("pid").await;
    bench.hub.change(|state| {
        state.always.insert("renew", (409, refusal("stale_attempt")));
    });
    until_dead(&pid).await;
    bench
        .hub
        .until("idle", |state| state.named("report").last().is_some_and(|call| call.body["status"] == "idle"))
        .await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert!(bench.hub.bodies("fail").is_empty() && bench.hub.bodies("reply").is_empty());
    assert_eq!(bench.files("work/outbox"), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_comes_after_the_answer_does_not_touch_it() {
    let bench = Bench::new();
    bench.hub.change(|state| {
        state.lease_seconds = 1;
        state.always.insert("reply", (503, refusal("storage_unavailable")));
    });
    let node = bench.start("echo 42");
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("a try", |state| !state.named("reply").is_empty()).await;
    bench.hub.change(|state| {
        state.always.insert("renew", (409, refusal("task_terminal")));
    });
    let refused = |state: &State| state.named("renew").iter().filter(|call| call.status == 409).count();
    bench.hub.until("two late renewals", |state| refused(state) >= 2).await;
    bench.hub.change(|state| {
        state.always.remove("reply");
    });
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_the_hub_calls_lost_at_registration_ends() {
    let mut bench = Bench::new();
    let node = bench.start("echo $$ > pid; sleep 1000");
    bench.hub.send(task("t1", 1, "count"));
    let pid = bench.line_in("pid").await;
    bench.hub.kill();
    bench.hub.change(|state| state.lost = json!([{"task_id": "t1", "attempt": 1}]));
    bench.hub.restart().await;
    until_dead(&pid).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert!(bench.hub.bodies("fail").is_empty() && bench.hub.bodies("reply").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_refused_at_its_acknowledgement_is_not_worked_on() {
    let bench = Bench::new();
    bench.hub.change(|state| state.script("ack", 409, refusal("stale_attempt")));
    let node = bench.start("echo x >> ran; cat ran");
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("refused", |state| state.named("ack").len() == 1).await;
    bench.hub.send(task("t2", 1, "count"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(bench.hub.bodies("reply")[0]["text"], "x\n", "only the second ran");
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_repeated_before_the_work_begins() {
    let bench = Bench::new();
    bench.hub.change(|state| {
        state.script("ack", 503, refusal("storage_unavailable"));
        state.script("ack", 503, refusal("storage_unavailable"));
    });
    let node = bench.start("echo 42");
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(taken(&bench.hub.state.borrow(), "ack"), [("t1".to_owned(), 1)]);
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_on_disk_is_held_and_delivered_by_the_next_run() {
    let bench = Bench::new();
    bench.hub.change(|state| {
        state.always.insert("reply", (503, refusal("storage_unavailable")));
    });
    let node = bench.start("echo 42");
    bench.hub.send(task("t1", 2, "count"));
    bench.hub.until("a try", |state| !state.named("reply").is_empty()).await;
    node.crash().await;
    bench.hub.change(|state| {
        state.always.clear();
        state.calls.clear();
    });

    let settings = bench.settings("echo another", 2);
    let instance = settings.instance_id.to_string();
    let node = bench.run(settings);
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(bench.hub.bodies("register")[0]["holding"], json!([{"task_id": "t1", "attempt": 2}]));
    let reply = &bench.hub.bodies("reply")[0];
    assert_eq!(
        (&reply["attempt"], &reply["text"], &reply["instance_id"]),
        (&json!(2), &json!("42\n"), &json!(instance))
    );
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert_eq!(bench.files("work/outbox"), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_work_is_not_held_by_the_next_run_and_nothing_of_it_lives_on() {
    let bench = Bench::new();
    let node = bench.start("setsid sh -c 'echo $$ > pid; sleep 1000' & wait");
    bench.hub.send(task("t1", 1, "count"));
    let pid = bench.line_in("pid").await;
    node.crash().await;
    assert!(is_alive(&pid), "the crash itself does not reach what has its own session");
    bench.hub.change(|state| state.calls.clear());

    let node = bench.run(bench.settings("echo 42", 2));
    bench.hub.until("registered", |state| !state.taken("register").is_empty()).await;
    assert!(!is_alive(&pid));
    assert_eq!(bench.hub.bodies("register")[0]["holding"], json!([]));
    assert_eq!(bench.files("work/journal"), [] as [&str; 0]);
    assert_eq!(bench.files("sockets"), [] as [&str; 0]);
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}
