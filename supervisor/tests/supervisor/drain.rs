//! A restart that waits until nothing is in hand, and has the process take nothing new until then.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::harness::{Client, Home, eventually, pid_of, starts, write_dot_env};

/// What a process was asked: to pause, to resume.
fn asked(directory: &Path) -> Vec<String> {
    std::fs::read_to_string(directory.join("asked")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Waits until it has told that it has a task in hand.
async fn until_at_work(client: &Client) {
    eventually("it is at work", async || (client.node("a").await["work"]["value"] == 1).then_some(())).await;
}

#[tokio::test]
async fn a_process_with_a_task_in_hand_is_paused_and_restarted_when_that_is_done() {
    let home = Home::new();
    let directory = home.node("a", &["count", "work"]);
    let supervisor = home.supervise().await;
    let client = supervisor.client.clone();
    let pid = client.must_start(&home, "a").await;
    until_at_work(&client).await;
    let restart = tokio::spawn({
        let client = client.clone();
        async move { client.post("/v1/nodes/a/restart", json!({"drain_seconds": 3600})).await }
    });
    eventually("it is paused", async || (asked(&directory) == ["pause"]).then_some(())).await;
    let node = client.node("a").await;
    assert_eq!((&node["process"]["draining"], pid_of(&node)), (&json!(true), pid), "{node}");
    assert!(!restart.is_finished());
    std::fs::write(directory.join("done"), "").unwrap();
    let (status, answer) = restart.await.unwrap();
    assert_eq!((status, starts(&directory)), (200, 2), "{answer}");
    assert_ne!(pid_of(&answer["node"]), pid);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_process_that_does_not_finish_in_time_runs_on_and_takes_tasks_again() {
    let home = Home::new();
    let directory = home.node("a", &["count", "work"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let pid = client.must_start(&home, "a").await;
    until_at_work(client).await;
    let (status, answer) = client.post("/v1/nodes/a/restart", json!({"drain_seconds": 0})).await;
    assert_eq!((status, &answer["code"]), (409, &json!("still_busy")), "{answer}");
    eventually("it was paused, and takes tasks again", async || {
        let asked = asked(&directory);
        (asked.first()? == "pause" && asked.last()? == "resume").then_some(())
    })
    .await;
    let node = client.node("a").await;
    assert_eq!((&node["process"]["draining"], pid_of(&node)), (&json!(null), pid), "{node}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_edit_waits_for_an_endless_task_no_longer_than_the_policy_says_and_is_tried_again() {
    let home = Home::new();
    let directory = home.node("a", &["count", "work"]);
    let config = json!({"node_name": "a", "env": {"API_KEY": {"_envRef": "API_KEY_N_1"}}});
    crate::harness::write_config(&directory, &config);
    write_dot_env(&directory, "API_KEY_N_1=first\n");
    let mut settings = home.settings();
    settings.policies.defaults.drain_timeout = Duration::from_millis(1);
    let supervisor = home.supervise_with(settings).await;
    let client = &supervisor.client;
    let pid = client.must_start(&home, "a").await;
    until_at_work(client).await;
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    eventually("it takes tasks again", async || asked(&directory).ends_with(&["resume".to_owned()]).then_some(()))
        .await;
    let node = client.node("a").await;
    assert_eq!((&node["changed"], pid_of(&node)), (&json!(["environment"]), pid), "{node}");
    std::fs::write(directory.join("done"), "").unwrap();
    client.until_replaced("a", pid).await;
    supervisor.shut_down().await;
}
