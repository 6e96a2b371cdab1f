//! What follows an exit.

use serde_json::json;

use crate::harness::{Home, eventually, is_alive, kill, pid_of, starts};

#[tokio::test]
async fn a_killed_process_is_replaced() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let first = supervisor.client.must_start(&home, "a").await;
    kill(first);
    let second = supervisor.client.until_replaced("a", first).await;
    let node = supervisor.client.node("a").await;
    assert_eq!((&node["restarts"], is_alive(second)), (&json!(1), true));
    kill(second);
    supervisor.client.until_replaced("a", second).await;
    // A person's start is not counted and forgets the failures.
    supervisor.client.stop("a").await;
    supervisor.client.must_start(&home, "a").await;
    assert_eq!(supervisor.client.node("a").await["restarts"], 0);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn the_exit_code_decides_what_follows() {
    let home = Home::new();
    let codes = [(0, "backoff"), (1, "backoff"), (101, "backoff"), (75, "backoff")];
    let given_up = [2, 76, 77, 79].map(|code| (code, "needs_attention")).into_iter().chain([(78, "auth_blocked")]);
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_secs(3600);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_secs(3600);
    let supervisor = home.supervise_with(settings).await;
    for (code, state) in codes.into_iter().chain(given_up) {
        let name = format!("exits-{code}");
        let directory = home.node(&name, &["count", "say one", "say the last word", &format!("exit {code}")]);
        let (status, error) = supervisor.client.start(&home, &name).await;
        assert_eq!((status, &error["code"]), (502, &json!("start_failed")), "{error}");
        let text = error["error"].as_str().unwrap();
        assert!(text.contains(&format!("exit code {code}")) && text.contains("the last word"), "{text}");
        let expected = if state == "backoff" { 2 } else { 1 };
        eventually(&format!("{name} was started {expected} times"), async || {
            (starts(&directory) == expected).then_some(())
        })
        .await;
        let node = supervisor.client.until_state(&name, state).await;
        assert_eq!(node["process"]["last_exit"]["code"], code, "{node}");
        assert_eq!(node["desired"], "running");
    }
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_ready_process_that_asks_for_a_restart_gets_it_at_once() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "wait-for go", "exit 75"]);
    let mut settings = home.settings();
    // Had it to wait, it would wait for ever.
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_secs(3600);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_secs(3600);
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    std::fs::write(directory.join("go"), "").unwrap();
    eventually("four starts", async || (starts(&directory) >= 4).then_some(())).await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_process_that_fails_again_and_again_is_tried_again_and_again() {
    let home = Home::new();
    let directory = home.node("a", &["count", "crash"]);
    let supervisor = home.supervise().await;
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 502);
    assert!(error["error"].as_str().unwrap().contains("SIGKILL"), "{error}");
    eventually("five starts", async || (starts(&directory) >= 5).then_some(())).await;
    let node = supervisor.client.until_state("a", "crash_loop").await;
    assert!(node["process"]["attempt"].as_u64().unwrap() >= 5, "{node}");
    assert_eq!(node["process"]["last_exit"]["signal"], 9);

    std::fs::write(directory.join("behaviour"), "ready\nsleep").unwrap();
    supervisor.client.until_state("a", "running").await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_persons_start_does_not_wait_for_the_back_off() {
    let home = Home::new();
    let directory = home.node("a", &["count", "exit 1"]);
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_secs(3600);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_secs(3600);
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.start(&home, "a").await;
    eventually("the second failure", async || {
        let node = supervisor.client.node("a").await;
        (node["process"]["attempt"] == 2).then_some(())
    })
    .await;
    assert_eq!(starts(&directory), 2);
    std::fs::write(directory.join("behaviour"), "ready\nsleep").unwrap();
    supervisor.client.must_start(&home, "a").await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn the_last_words_are_those_the_process_told() {
    let home = Home::new();
    home.node("a", &["say noise", "tell X_ANET_ERROR=no_such_program", "exit 77"]);
    let supervisor = home.supervise().await;
    let (_, error) = supervisor.client.start(&home, "a").await;
    assert!(error["error"].as_str().unwrap().ends_with("no_such_program"), "{error}");
    let node = supervisor.client.node("a").await;
    assert_eq!(node["process"]["last_exit"]["last_words"], "no_such_program");
    assert!(node["process"]["reason"].as_str().unwrap().contains("credential or program is missing"), "{node}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_missing_program_needs_a_person() {
    let home = Home::new();
    home.node("a", &[]);
    let mut settings = home.settings();
    settings.launcher.node = vec!["/no/such/program".into()];
    let supervisor = home.supervise_with(settings).await;
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!((status, &error["code"]), (422, &json!("config_invalid")));
    assert!(error["error"].as_str().unwrap().contains("/no/such/program"), "{error}");
    let node = supervisor.client.node("a").await;
    assert_eq!(
        (&node["state"], &node["process"]["last_exit"]["cause"]),
        (&json!("needs_attention"), &json!("spawn_failed"))
    );
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_stopped_node_stays_stopped_when_its_files_change() {
    let home = Home::new();
    let directory = home.node("a", &["count", "exit 76"]);
    let supervisor = home.supervise().await;
    supervisor.client.start(&home, "a").await;
    std::fs::write(directory.join("behaviour"), "count\nready\nsleep").unwrap();
    // The change of a file that it depends on starts it again by itself (R12).
    crate::harness::write_dot_env(&directory, "A=1\n");
    let node = supervisor.client.until_state("a", "running").await;
    assert!(is_alive(pid_of(&node)));
    supervisor.client.stop("a").await;
    crate::harness::write_dot_env(&directory, "A=12\n");
    supervisor.leave().await;
    let supervisor = home.supervise().await;
    assert_eq!((supervisor.client.node("a").await["state"].clone(), starts(&directory)), (json!("stopped"), 2));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn whoever_asks_for_a_restart_while_another_restarts_it_is_answered_when_it_runs() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    client.must_start(&home, "a").await;
    std::fs::write(directory.join("behaviour"), "count\nwait-for go\nready\nsleep").unwrap();
    let ask = |client: crate::harness::Client| async move { client.post("/v1/nodes/a/restart", json!({})).await };
    let first = tokio::spawn(ask(client.clone()));
    eventually("the first one is under way", async || (starts(&directory) == 2).then_some(())).await;
    let second = tokio::spawn(ask(client.clone()));
    eventually("the second one is under way", async || (starts(&directory) == 3).then_some(())).await;
    std::fs::write(directory.join("go"), "").unwrap();
    for asked in [first, second] {
        let (status, answer) = asked.await.unwrap();
        assert_eq!((status, &answer["node"]["state"]), (200, &json!("running")), "{answer}");
    }
    assert_eq!((starts(&directory), home.copies("a")), (3, 1));
    supervisor.shut_down().await;
}
