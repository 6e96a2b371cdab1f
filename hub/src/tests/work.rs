use anet_protocol::rest::Attempt;
use serde_json::json;

use super::kit::{Run, TestHub};

fn next_run(run: &Run) -> Run {
    Run { instance: format!("{}x", run.instance), ..run.clone() }
}

fn held(task: &str, attempt: u32) -> Attempt {
    Attempt { task_id: task.into(), attempt }
}

#[tokio::test]
async fn a_repeated_answer_is_confirmed_and_a_different_one_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    assert_eq!(hub.attempt(&run, "ack", &task, 1, json!({})).await.ok()["replayed"], false);
    assert_eq!(hub.attempt(&run, "ack", &task, 1, json!({})).await.ok()["replayed"], true);
    assert_eq!(hub.reply(&run, &task, 1, "42").await.ok()["replayed"], false);
    assert_eq!(hub.reply(&run, &task, 1, "42").await.ok()["replayed"], true);
    let refused = hub.reply(&run, &task, 1, "43").await.refused(409, "task_terminal");
    assert_eq!(refused["task_status"], "replied");
    let error = json!({ "error": { "code": "exit_status", "message": "no", "retryable": false } });
    hub.attempt(&run, "fail", &task, 1, error).await.refused(409, "task_terminal");
    assert_eq!(hub.state(&alice.token, &task).await["result"], "42");
}

#[tokio::test]
async fn a_failure_carries_its_reason() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    let error = json!({ "error": { "code": "exit_status", "message": "exit 3: no such file", "retryable": false } });
    assert_eq!(hub.attempt(&run, "fail", &task, 1, error.clone()).await.ok()["replayed"], false);
    assert_eq!(hub.attempt(&run, "fail", &task, 1, error).await.ok()["replayed"], true);
    let task = hub.state(&alice.token, &task).await;
    assert_eq!((&task["status"], &task["result"]), (&json!("failed"), &json!("exit 3: no such file")));
    assert_eq!(task["error"]["code"], "exit_status");
}

#[tokio::test]
async fn a_large_result_is_kept_whole_and_a_larger_one_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    let most = "\u{1}".repeat(1_048_576);
    hub.reply(&run, &task, 1, &format!("{most}x")).await.refused(400, "invalid_input");
    hub.reply(&run, &task, 1, &most).await.ok();
    assert_eq!(hub.state(&alice.token, &task).await["result"], json!(most));
}

#[tokio::test]
async fn a_lapsed_lease_returns_the_task_and_the_last_one_fails_it() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    for attempt in 1..=3 {
        let claimed = hub.claim(&run, 1).await;
        assert_eq!(claimed[0]["attempt"], attempt);
        hub.clock.advance(59);
        hub.attempt(&run, "ack", &task, attempt, json!({})).await.ok();
        hub.clock.advance(59);
        hub.sweep().await;
        assert_eq!(hub.state(&alice.token, &task).await["status"], "acked", "renewed by the ack");
        hub.clock.advance(1);
        hub.sweep().await;
    }
    let done = hub.state(&alice.token, &task).await;
    assert_eq!((&done["status"], &done["error"]["code"]), (&json!("failed"), &json!("lease_expired")));
    hub.reply(&run, &task, 3, "late").await.refused(409, "task_terminal");
    crate::store::tests::assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn an_answer_of_an_older_attempt_is_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    hub.clock.advance(60);
    hub.sweep().await;
    hub.claim(&run, 1).await;
    for (call, more) in [
        ("ack", json!({})),
        ("renew", json!({ "running": false })),
        ("reply", json!({ "text": "late" })),
        ("fail", json!({ "error": { "code": "c", "message": "m", "retryable": false } })),
        ("fail", json!({ "error": { "code": "c", "message": "m", "retryable": false }, "give_back": true })),
    ] {
        let refused = hub.attempt(&run, call, &task, 1, more).await.refused(409, "stale_attempt");
        assert_eq!(refused["attempt"], 2);
    }
    hub.reply(&run, &task, 2, "in time").await.ok();
}

#[tokio::test]
async fn a_late_answer_counts_while_nobody_else_has_begun() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    hub.clock.advance(60);
    hub.sweep().await;
    hub.reply(&run, &task, 1, "late, but the only one").await.ok();
    assert!(hub.claim(&run, 1).await.is_empty(), "it is not done twice");
}

#[tokio::test]
async fn a_task_that_is_claimed_never_expires_and_a_waiting_one_does() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let body = json!({ "alias": "counter", "task": "x", "ttl_seconds": 30 });
    let first = hub.post(&alice.token, "/api/task", body.clone()).await.ok();
    hub.claim(&run, 1).await;
    let second = hub.post(&alice.token, "/api/task", body).await.ok();
    hub.clock.advance(30);
    assert!(hub.claim(&run, 1).await.is_empty(), "not even before the sweep");
    hub.sweep().await;
    let state = |sent: serde_json::Value| {
        let (hub, token) = (&hub, &alice.token);
        async move { hub.state(token, sent["task_id"].as_str().unwrap()).await["status"].clone() }
    };
    assert_eq!(state(first).await, "delivered");
    assert_eq!(state(second).await, "expired");
    crate::store::tests::assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn what_is_given_back_waits_again_without_costing_an_attempt() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    let back =
        json!({ "error": { "code": "leaving", "message": "the node stops", "retryable": true }, "give_back": true });
    for attempt in 1..=5 {
        assert_eq!(hub.claim(&run, 1).await[0]["attempt"], attempt);
        assert_eq!(hub.attempt(&run, "fail", &task, attempt, back.clone()).await.ok()["status"], "delivered");
        assert_eq!(hub.attempt(&run, "fail", &task, attempt, back.clone()).await.ok()["replayed"], true);
    }
    hub.claim(&run, 1).await;
    hub.reply(&run, &task, 6, "done").await.ok();
}

#[tokio::test]
async fn a_second_live_copy_of_a_node_is_refused_by_name() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let stream = hub.listen_as(&run, None).await;
    hub.clock.advance(3600);
    let refused = hub.register(&next_run(&run), &[]).await.refused(409, "node_already_running");
    assert_eq!((&refused["holder"]["instance_id"], &refused["holder"]["pid"]), (&json!("i_1"), &json!(4711)));
    hub.register(&run, &[]).await.ok();
    drop(stream);
    hub.register(&next_run(&run), &[]).await.ok();
    hub.report(&run, "idle").await.refused(409, "instance_superseded");
}

#[tokio::test]
async fn a_silent_copy_holds_its_node_for_thirty_seconds_unless_it_said_goodbye() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let second = next_run(&first);
    hub.clock.advance(29);
    hub.register(&second, &[]).await.refused(409, "node_already_running");
    hub.clock.advance(1);
    hub.register(&second, &[]).await.ok();
    hub.report(&second, "offline").await.ok();
    hub.register(&next_run(&second), &[]).await.ok();
}

#[tokio::test]
async fn a_run_that_names_the_holder_as_dead_takes_over_at_once_but_not_from_an_open_stream() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let begun = hub.task(&alice.token, "counter", "begun").await;
    hub.claim(&first, 1).await;
    // A stop of everything at once: the new hub has not heard of the run and only reads when the old one did.
    let hub = hub.restart().await;
    let second = next_run(&first);
    hub.register(&second, &[]).await.refused(409, "node_already_running");
    hub.register_after(&second, &["i_another"]).await.refused(409, "node_already_running");
    hub.register_after(&second, &["i_0", &first.instance, "i_never_registered"]).await.ok();
    let claimed = hub.claim(&second, 1).await;
    assert_eq!((&claimed[0]["task_id"], &claimed[0]["attempt"]), (&json!(begun), &json!(2)));

    let third = next_run(&second);
    let stream = hub.listen_as(&second, None).await;
    let refused = hub.register_after(&third, &[&second.instance]).await.refused(409, "node_already_running");
    assert_eq!(refused["holder"]["connected"], true);
    hub.report(&second, "idle").await.ok();
    drop(stream);
    hub.register_after(&third, &[&second.instance]).await.ok();
    hub.register_after(&third, &["i"; 17]).await.refused(400, "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_copies_that_register_at_once_one_is_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.node(&alice, "counter").await;
    let second = next_run(&first);
    let (one, two) = tokio::join!(hub.register(&first, &[]), hub.register(&second, &[]));
    let statuses = [one.status.as_u16(), two.status.as_u16()];
    assert!(statuses == [200, 409] || statuses == [409, 200], "{statuses:?}");
}

#[tokio::test]
async fn a_new_run_keeps_what_it_holds_and_the_rest_waits_again() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let done = hub.task(&alice.token, "counter", "done, not delivered").await;
    let begun = hub.task(&alice.token, "counter", "begun").await;
    hub.claim(&first, 2).await;
    hub.attempt(&first, "ack", &begun, 1, json!({})).await.ok();
    hub.report(&first, "offline").await.ok();
    let second = next_run(&first);
    let mut stream = hub.listen(&alice.token, "/events/counter", None).await;
    let registered = hub.register(&second, &[held(&done, 1), held("unknown", 1), held(&begun, 7)]).await.ok();
    assert_eq!(registered["lost"], json!([held("unknown", 1), held(&begun, 7)]));
    assert_eq!(registered["inbox_count"], 1);
    let doorbell = stream.next().await.unwrap().data;
    assert_eq!((&doorbell["type"], &doorbell["task_id"]), (&json!("new_task"), &json!(begun)));
    hub.reply(&first, &done, 1, "42").await.refused(409, "instance_superseded");
    hub.reply(&second, &done, 1, "42").await.ok();
    let claimed = hub.claim(&second, 5).await;
    assert_eq!((claimed.len(), &claimed[0]["task_id"], &claimed[0]["attempt"]), (1, &json!(begun), &json!(2)));
    crate::store::tests::assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn a_result_whose_lease_had_lapsed_is_still_wanted_if_nobody_began_anew() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&first, 1).await;
    hub.clock.advance(60);
    hub.sweep().await;
    let second = next_run(&first);
    assert_eq!(hub.register(&second, &[held(&task, 1)]).await.ok()["lost"], json!([]));
    assert!(hub.claim(&second, 1).await.is_empty());
    hub.reply(&second, &task, 1, "42").await.ok();
}

#[tokio::test]
async fn a_node_that_dies_at_every_attempt_fails_its_task() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let mut run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    for _ in 0..3 {
        assert_eq!(hub.claim(&run, 1).await.len(), 1);
        hub.report(&run, "offline").await.ok();
        run = next_run(&run);
        hub.register(&run, &[]).await.ok();
    }
    let task = hub.state(&alice.token, &task).await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("lost")));
}

#[tokio::test]
async fn after_a_restart_of_the_hub_leases_hold_for_one_more_time() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    hub.clock.advance(600);
    let hub = hub.restart().await;
    hub.sweep().await;
    hub.clock.advance(59);
    hub.sweep().await;
    hub.reply(&run, &task, 1, "42").await.ok();
}

#[tokio::test]
async fn a_claim_whose_answer_got_lost_is_answered_again() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    hub.clock.advance(59);
    let claim = |holding: serde_json::Value| {
        let body = json!({ "instance_id": run.instance, "max": 5, "holding": holding });
        hub.post(&run.token, "/api/node/claim", body)
    };
    let again = claim(json!([])).await.ok();
    assert_eq!((&again["tasks"][0]["task_id"], &again["tasks"][0]["attempt"]), (&json!(task), &json!(1)));
    hub.clock.advance(59);
    hub.sweep().await;
    assert_eq!(claim(json!([held(&task, 1)])).await.ok()["tasks"], json!([]));
    hub.attempt(&run, "ack", &task, 1, json!({})).await.ok();
    assert_eq!(claim(json!([])).await.ok()["tasks"], json!([]), "what is acknowledged has arrived");
}

#[tokio::test]
async fn work_before_registration_or_acknowledgement_is_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.node(&alice, "counter").await;
    hub.report(&run, "idle").await.refused(409, "instance_superseded");
    hub.register(&run, &[]).await.ok();
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&run, 1).await;
    let refused = hub.attempt(&run, "renew", &task, 1, json!({ "running": true })).await.refused(400, "invalid_input");
    assert_eq!(refused["hint"], "acknowledge the task first");
    hub.attempt(&run, "renew", &task, 1, json!({ "running": false })).await.ok();
}

#[tokio::test]
async fn an_answer_repeated_by_a_former_run_after_a_restart_does_not_hold_the_node() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.claim(&first, 1).await;
    hub.reply(&first, &task, 1, "done").await.ok();
    let second = Run { instance: "i_2".to_owned(), ..first.clone() };
    hub.report(&first, "offline").await.ok();
    hub.register(&second, &[]).await.ok();
    let hub = hub.restart().await;
    hub.reply(&first, &task, 1, "done").await.ok();
    hub.report(&second, "offline").await.ok();
    hub.register(&Run { instance: "i_3".to_owned(), ..first }, &[]).await.ok();
}
