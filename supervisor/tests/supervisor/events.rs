//! What happened is told to those who come back, also by the next supervisor.

use serde_json::{Value, json};

use crate::harness::{Client, Home, kill};

/// The events of a request that does not follow, and whether a gap was told before them.
async fn events(client: &Client, query: &str) -> (bool, Vec<Value>) {
    let text = client.stream(&format!("/v1/events?follow=false{query}")).await.text().await.unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let all: Vec<Value> = data.map(|data| serde_json::from_str(data).unwrap()).collect();
    let (gaps, events): (Vec<_>, Vec<_>) = all.into_iter().partition(|event| event["gap"] == true);
    (!gaps.is_empty(), events)
}

fn states(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["process"]["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_listener_that_comes_back_misses_nothing_even_at_the_next_supervisor() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    let (has_gap, seen) = events(&supervisor.client, "&lines=100").await;
    assert!(!has_gap);
    assert_eq!(states(&seen).last(), Some(&"running"));
    assert_eq!(seen[0]["by"]["pid"], json!(std::process::id()), "who asked is told: {seen:?}");
    let cursor = seen.last().unwrap()["cursor"].as_str().unwrap().to_owned();

    kill(pid);
    let second = supervisor.client.until_replaced("a", pid).await;
    supervisor.leave().await;
    let supervisor = home.supervise().await;
    let (has_gap, missed) = events(&supervisor.client, &format!("&since={cursor}")).await;
    assert!(!has_gap);
    assert_eq!(states(&missed)[..3], ["backoff", "starting", "running"]);
    assert_eq!(missed[0]["process"]["last_exit"]["signal"], 9);
    assert!(missed[0].get("by").is_none(), "nobody asked for the crash");
    assert_eq!(missed[2]["process"]["pid"], second);
    // The next supervisor goes on where the last one ended.
    let last = missed.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    supervisor.client.stop("a").await;
    let (has_gap, after) = events(&supervisor.client, &format!("&since={last}")).await;
    assert_eq!((has_gap, states(&after)), (false, vec!["stopping", "stopped"]));
    let asked = &after[1]["process"]["last_exit"]["asked"];
    assert_eq!((&asked["reason"], &asked["by"]["pid"]), (&json!("stop"), &json!(std::process::id())));

    let (has_gap, all) = events(&supervisor.client, "&since=1-1").await;
    assert!(has_gap, "a cursor that nobody knows is a gap");
    assert!(all.len() >= seen.len() + missed.len() + after.len());
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_follower_gets_each_event_once_with_what_was_before() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    let mut stream = supervisor.client.stream("/v1/events?lines=100").await;
    supervisor.client.stop("a").await;
    let mut text = String::new();
    while !text.contains("\"state\":\"stopped\"") {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!(ids, unique, "{text}");
    assert!(ids.len() >= 4, "{text}");
    supervisor.shut_down().await;
}
