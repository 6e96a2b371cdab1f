use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::rest::limit;
use serde_json::{Value, json};

use super::bench::{Bench, is_alive, until_dead};
use super::fake_hub::TOKEN;
use super::task;

/// Does one task with this script. The answer is the body of the reply or failure.
async fn answer_of(script: &str) -> (Bench, Value) {
    let bench = Bench::new();
    let node = bench.start(script);
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("an answer", |state| !(state.taken("reply").is_empty() && state.taken("fail").is_empty())).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    let answer = [bench.hub.bodies("reply"), bench.hub.bodies("fail")].concat().remove(0);
    (bench, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_claimed_than_there_is_room_for() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo $$ >> started; until [ -e go ]; do sleep 0.02; done", 1);
    settings.max_concurrent = 2;
    let node = bench.run(settings);
    for number in 0..5 {
        bench.hub.send(task(&format!("t{number}"), 1, "count"));
    }
    bench
        .hub
        .until("two at work", |state| {
            state.named("report").last().is_some_and(|call| call.body["tasks"].as_array().unwrap().len() == 2)
        })
        .await;
    assert_eq!(bench.hub.state.borrow().inbox.len(), 3);
    std::fs::write(bench.path("go"), "").unwrap();
    bench.hub.until("all are done", |state| state.taken("reply").len() == 5).await;
    {
        let state = bench.hub.state.borrow();
        let most = state.named("report").into_iter().map(|call| call.body["tasks"].as_array().unwrap().len()).max();
        assert_eq!(most, Some(2));
        assert!(state.named("claim").into_iter().all(|call| call.body["max"].as_u64().unwrap() <= 2));
    }
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_ends_with_everything_it_has_started() {
    let bench = Bench::new();
    // One in its own session, one that also has lost its environment and its parent's ear for SIGTERM.
    let node = bench.start(
        "setsid sh -c 'echo $$ > own-session; sleep 1000' & \
         setsid sh -c 'trap \"\" TERM; env -i sh -c \"echo \\$\\$ > no-environment; sleep 1000; :\"; :' & wait",
    );
    bench.hub.send(task("t1", 1, "count"));
    let pids = [bench.line_in("own-session").await, bench.line_in("no-environment").await];
    // Another attempt is not this one.
    bench.hub.event(&json!({"type": "task_cancelled", "task_id": "t1", "attempt": 7}));
    bench.hub.event(&json!({"type": "task_cancelled", "task_id": "t1", "attempt": 1}));
    for pid in &pids {
        until_dead(pid).await;
    }
    bench.hub.until("idle", |state| state.named("report").last().unwrap().body["status"] == "idle").await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert!(bench.hub.bodies("fail").is_empty() && bench.hub.bodies("reply").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lives_on_after_a_good_end_either() {
    let (bench, answer) = answer_of(
        "setsid sh -c 'trap \"\" TERM; echo $$ > pid; sleep 1000' & until [ -s pid ]; do sleep 0.02; done; echo done",
    )
    .await;
    assert_eq!(answer["text"], "done\n");
    assert!(!is_alive(&bench.line_in("pid").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_ended() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo $$ > pid; echo still busy >&2; sleep 1000", 1);
    settings.runtime.timeout = Some(Duration::from_millis(300));
    let node = bench.run(settings);
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the failure", |state| !state.taken("fail").is_empty()).await;
    assert!(!is_alive(&bench.line_in("pid").await));
    let failure = &bench.hub.bodies("fail")[0];
    assert_eq!((&failure["error"]["code"], &failure["give_back"]), (&json!("timeout"), &json!(false)));
    let message = failure["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("not done within 300ms\nstill busy"), "{message}");
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_why_and_gives_no_secret_away() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo \"no luck with $VENDOR_KEY in $COLOUR\" >&2; exit 3", 1);
    settings.agent_environment.push(("VENDOR_KEY".to_owned(), "correct horse".to_owned()));
    // Its name tells nothing, but it came out of the file for secrets.
    settings.agent_environment.push(("COLOUR".to_owned(), "battery staple".to_owned()));
    settings.agent_secrets.push("battery staple".to_owned().into());
    let node = bench.run(settings);
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the failure", |state| !state.taken("fail").is_empty()).await;
    let error = &bench.hub.bodies("fail")[0]["error"];
    assert_eq!(error["code"], "exit_status");
    assert_eq!(error["message"], "the agent ended with exit status 3\nno luck with *** in ***");
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_a_signal_ended_has_failed() {
    let (_, answer) = answer_of("kill -KILL $$").await;
    assert_eq!(answer["error"]["code"], "signal");
    assert_eq!(answer["error"]["message"], "the agent was ended by signal 9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_output_is_an_artifact_and_the_text_says_where() {
    let length = limit::RESULT_BYTES * 2;
    let (bench, answer) = answer_of(&format!("head -c {length} /dev/zero | tr '\\0' x")).await;
    let artifact = &answer["artifacts"][0];
    let path = bench.path("artifacts/t1/1.out");
    assert_eq!((&artifact["path"], &artifact["bytes"]), (&json!(path), &json!(length)));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), length as u64);
    let text = answer["text"].as_str().unwrap();
    assert!(text.len() <= limit::RESULT_BYTES && text.starts_with("xxx"));
    assert!(text.contains(path.to_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_arrives_byte_for_byte() {
    let (_, answer) = answer_of(r"printf 'a\000b\033[31mc\007\r\n\t\177\342\200\250\302\205 \n\n'").await;
    assert_eq!(answer["text"], "a\0b\u{1b}[31mc\u{7}\r\n\t\u{7f}\u{2028}\u{85} \n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_goes_missing_while_the_node_runs_is_named() {
    let bench = Bench::new();
    let script = bench.path("agent");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = bench.settings("", 1);
    settings.runtime.argv = vec!["./agent".to_owned()];
    let node = bench.run(settings);
    bench.until_notified("ready", |notification| notification.ready).await;
    std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    bench.hub.send(task("t1", 1, "count"));
    bench.hub.until("the failure", |state| !state.taken("fail").is_empty()).await;
    let error = &bench.hub.bodies("fail")[0]["error"];
    let words = format!(
        "{} cannot be started: the interpreter `/no/such/interpreter` that its first line names is missing",
        script.display()
    );
    assert_eq!((&error["code"], &error["message"]), (&json!("spawn_failed"), &json!(words)));
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_is_no_text_is_made_one() {
    let (_, answer) = answer_of("printf 'a\\377b'").await;
    assert_eq!(answer["text"], "a\u{fffd}b");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_need_not_read_its_task() {
    let bench = Bench::new();
    let node = bench.start("exec <&-; echo unread");
    // More than a pipe holds.
    bench.hub.send(task("t1", 1, &"x".repeat(1 << 20)));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(bench.hub.bodies("reply")[0]["text"], "unread\n");
    assert_eq!(node.stopped().await, ExitCode::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_never_sees_the_nodes_token() {
    let (bench, answer) = answer_of(
        "env; tr '\\0' '\\n' < /proc/self/environ; tr '\\0' '\\n' < /proc/$$/cmdline; \
         tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' '\\n' < /proc/$PPID/cmdline; \
         cat work/journal/* \"$ANET_TASK_SOCKET\" sockets/* 2>&1; ls -l /proc/self/fd",
    )
    .await;
    let text = answer["text"].as_str().unwrap();
    for name in [
        "ANET_TASK_ID=t1",
        "ANET_TASK_ATTEMPT=1",
        "ANET_TASK_FROM=alice",
        "ANET_NETWORK_ID=net_1",
        "ANET_INSTANCE_ID=i_",
    ] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    assert!(!text.contains("ntok_") && !text.contains(&TOKEN[5..]), "{text}");
    // No file of the node is open in the agent.
    let descriptors = text[text.rfind("total 0").unwrap()..].lines().filter(|line| line.contains("->")).count();
    assert_eq!(descriptors, 4, "standard streams and the listed directory: {text}");
    drop(bench);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_cannot_choose_where_a_node_writes() {
    let bench = Bench::new();
    let mut settings = bench.settings("echo 42", 1);
    settings.timing.inbox_poll = Duration::from_millis(50);
    let node = bench.run(settings);
    bench.hub.send(task("../../escaped", 1, "count"));
    bench.hub.send(task("t2", 1, "count"));
    bench.hub.until("the reply", |state| !state.taken("reply").is_empty()).await;
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert!(!bench.files(".").iter().any(|name| name.starts_with("escaped")));
    assert!(bench.hub.state.borrow().calls.iter().all(|call| !call.path.contains("escaped")));
}
