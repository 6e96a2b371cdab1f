use std::time::Duration;

use super::bench::Bench;
use super::fake_hub::wait_for;
use super::task;
use crate::pause::ClaimRequest;

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_node_finishes_its_task_and_claims_the_next_only_when_it_is_resumed() {
    let bench = Bench::new();
    let node = bench.start("echo $$ >> pids; until [ -e go ]; do sleep 0.02; done; echo done");
    bench.hub.send(task("t1", 1, "count"));
    bench.line_in("pids").await;
    node.claiming.send(ClaimRequest::Pause).unwrap();
    bench.until_notified("paused with one task", |told| told.paused == Some(true) && told.work == Some(1)).await;
    bench.hub.send(task("t2", 1, "count"));
    std::fs::write(bench.path("go"), "").unwrap();
    bench.until_notified("paused with none", |told| told.paused == Some(true) && told.work == Some(0)).await;
    bench.hub.until("the first answer", |state| state.taken("reply").len() == 1).await;
    assert_eq!(bench.hub.state.borrow().inbox.len(), 1, "a paused node claimed");

    node.claiming.send(ClaimRequest::Resume).unwrap();
    bench.hub.until("the second answer", |state| state.taken("reply").len() == 2).await;
    bench.until_notified("resumed", |told| told.paused == Some(false)).await;
    node.stopped().await;
    let pids = std::fs::read_to_string(bench.path("pids")).unwrap();
    wait_for("each task was worked on once", || (pids.lines().count() == 2).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_nobody_asks_for_again_ends_by_itself() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo done", 1);
    settings.timing.pause = Duration::from_millis(100);
    let node = bench.run(settings);
    node.claiming.send(ClaimRequest::Pause).unwrap();
    bench.until_notified("paused", |told| told.paused == Some(true)).await;
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the answer", |state| state.taken("reply").len() == 1).await;
    node.stopped().await;
}
