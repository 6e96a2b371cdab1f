//! A stop reaches everything that a process started, and nothing else.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Home, is_alive, kill, pid_in, pid_of, starts};

const HELPERS: [&str; 3] = ["helper group", "helper session", "helper daemon"];

fn behaviour() -> Vec<&'static str> {
    HELPERS.into_iter().chain(["count", "ready", "sleep"]).collect()
}

fn helpers(home: &Home, name: &str) -> Vec<i32> {
    ["group", "session", "daemon"]
        .map(|kind| pid_in(&home.node_directory(name).join(format!("helper-{kind}"))))
        .to_vec()
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed() {
    let home = Home::new();
    home.node("a", &["ignore-term", "ready", "sleep"]);
    let mut settings = home.settings();
    settings.policies.defaults.stop_grace = Duration::from_millis(100);
    let supervisor = home.supervise_with(settings).await;
    let pid = supervisor.client.must_start(&home, "a").await;
    let (status, answer) = supervisor.client.stop("a").await;
    assert_eq!((status, &answer["node"]["process"]["last_exit"]["signal"]), (200, &json!(9)), "{answer}");
    assert!(!is_alive(pid));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn helpers_of_every_kind_are_gone_when_the_stop_is_answered_and_strangers_live() {
    let home = Home::new();
    home.node("a", &behaviour());
    home.node("b", &behaviour());
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.client.must_start(&home, "b").await;
    let (mine, others) = (helpers(&home, "a"), helpers(&home, "b"));
    assert!(mine.iter().chain(&others).all(|pid| is_alive(*pid)));
    let (status, answer) = supervisor.client.stop("a").await;
    assert_eq!(status, 200, "{answer}");
    assert!(mine.iter().all(|pid| !is_alive(*pid)), "a helper survived the stop");
    assert!(others.iter().all(|pid| is_alive(*pid)), "a sibling's helper was killed");
    supervisor.shut_down().await;
    assert!(others.iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test]
async fn helpers_are_gone_before_a_crashed_process_is_replaced() {
    let home = Home::new();
    let directory = home.node("a", &behaviour());
    let supervisor = home.supervise().await;
    let first = supervisor.client.must_start(&home, "a").await;
    let old = helpers(&home, "a");
    for kind in ["group", "session", "daemon"] {
        std::fs::remove_file(directory.join(format!("helper-{kind}"))).unwrap();
    }
    kill(first);
    supervisor.client.until_replaced("a", first).await;
    assert!(old.iter().all(|pid| !is_alive(*pid)), "a helper of the crashed process survived");
    assert!(helpers(&home, "a").iter().all(|pid| is_alive(*pid)));
    assert_eq!(starts(&directory), 2);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn helpers_are_gone_before_a_process_that_gave_up_is_shown() {
    let home = Home::new();
    home.node("a", &["helper group", "helper session", "helper daemon", "exit 76"]);
    let supervisor = home.supervise().await;
    let (status, _) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 502);
    assert!(helpers(&home, "a").iter().all(|pid| !is_alive(*pid)));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_whose_name_begins_like_the_stopped_ones_runs_on() {
    let home = Home::new();
    for name in ["a", "a-long-name", "b-a"] {
        home.node(name, &["ready", "sleep"]);
    }
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    client.must_start(&home, "a").await;
    let others = [client.must_start(&home, "a-long-name").await, client.must_start(&home, "b-a").await];
    assert_eq!(client.stop("a").await.0, 200);
    assert_eq!(home.copies("a"), 0);
    assert_eq!([pid_of(&client.node("a-long-name").await), pid_of(&client.node("b-a").await)], others);
    assert!(others.iter().all(|pid| is_alive(*pid)));
    // What is no name of a node stops none.
    assert_eq!(client.stop("a-").await.0, 404);
    assert!(others.iter().all(|pid| is_alive(*pid)));
    supervisor.shut_down().await;
}

/// Such as the workers of a server that begins as root. Only root can start one, and only root can end it.
#[tokio::test]
async fn a_helper_that_has_become_another_user_is_gone_too() {
    let home = Home::new();
    home.node("a", &["ready-as-nobody", "helper settled", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    assert_eq!(home.processes().len(), 3);
    assert_eq!(supervisor.client.stop("a").await.0, 200);
    assert_eq!(home.processes(), [0; 0]);
    supervisor.shut_down().await;
}
