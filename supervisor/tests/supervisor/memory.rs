//! What becomes of a process that eats memory (R65). These supervisors have no control group, as on most machines.

use std::time::Duration;

use anet_supervisor::Settings;
use serde_json::json;

use crate::harness::{Home, eventually, starts};

/// The zoo's process alone holds a few megabytes.
fn settings(home: &Home) -> Settings {
    let mut settings = home.settings();
    settings.memory_patience = Duration::from_millis(120);
    settings.policies.defaults.memory_high = Some(48 << 20);
    settings
}

#[tokio::test]
async fn a_node_that_stays_above_its_memory_limit_is_restarted_once_and_its_siblings_are_not() {
    let home = Home::new();
    let greedy = home.node("greedy", &["count", "ready", "eat 96", "sleep"]);
    let modest = home.node("modest", &["count", "ready", "eat 8", "sleep"]);
    let later = home.node("later", &["count", "ready", "eat 96", "sleep"]);
    let supervisor = home.supervise_with(settings(&home)).await;
    let client = &supervisor.client;
    client.must_start(&home, "modest").await;
    client.must_start(&home, "greedy").await;
    eventually("it is replaced", async || (starts(&greedy) == 2).then_some(())).await;
    let node = client.until_state("greedy", "running").await;
    assert_eq!(node["restarts"], 1, "{node}");
    let past = client.get("/v1/nodes/greedy").await;
    assert_eq!((&past["exits"][0]["asked"], &past["exits"][0]["signal"]), (&json!({"reason": "memory"}), &json!(15)));
    let events = client.stream("/v1/events?follow=false&lines=100").await.text().await.unwrap();
    assert!(events.contains("\"memory\""), "{events}");
    // When this one is replaced, the first has been above for as long again.
    client.must_start(&home, "later").await;
    eventually("the other is replaced", async || (starts(&later) == 2).then_some(())).await;
    assert_eq!((starts(&greedy), starts(&modest)), (2, 1), "not again within five minutes, and never a sibling");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn memory_that_a_nodes_children_hold_counts_as_its_own() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "eat-in-a-child 96", "sleep"]);
    let supervisor = home.supervise_with(settings(&home)).await;
    supervisor.client.must_start(&home, "a").await;
    eventually("it is replaced", async || (starts(&directory) == 2).then_some(())).await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_with_work_in_hand_is_drained_before_its_memory_is_taken() {
    let home = Home::new();
    let behaviour = ["count", "tell X_ANET_WORK=1 READY=1", "eat 96", "wait-for done", "tell X_ANET_WORK=0", "sleep"];
    let directory = home.node("a", &behaviour);
    let supervisor = home.supervise_with(settings(&home)).await;
    supervisor.client.must_start(&home, "a").await;
    eventually("it is drained", async || {
        (supervisor.client.node("a").await["process"]["draining"] == true).then_some(())
    })
    .await;
    assert_eq!(starts(&directory), 1);
    std::fs::write(directory.join("done"), "").unwrap();
    eventually("it is replaced", async || (starts(&directory) == 2).then_some(())).await;
    supervisor.shut_down().await;
}
