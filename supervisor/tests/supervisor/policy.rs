//! What a policy leads to, with real processes.

use std::time::Duration;

use anet_supervisor::{Policy, RestartPolicy, Settings};
use serde_json::json;

use crate::harness::{Home, eventually, is_alive, kill, pid_of, starts};

/// So long that nothing that waits for it happens in a test.
const NEVER: Duration = Duration::from_secs(3600);

fn set(settings: &mut Settings, name: &str, change: impl FnOnce(&mut Policy)) {
    let mut policy = settings.policies.defaults.clone();
    change(&mut policy);
    settings.policies.nodes.insert(name.to_owned(), policy);
}

/// Erlang's matrix of restart kinds and classes of end, each cell a real process.
#[tokio::test]
async fn every_policy_meets_every_class_of_end_as_the_matrix_says() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = NEVER;
    settings.policies.defaults.start_backoff.longest = NEVER;
    let policies = [RestartPolicy::Always, RestartPolicy::OnFailure, RestartPolicy::Never];
    // An end that is followed by a new start is so twice: at once, then after a pause that lasts for ever.
    let (again, finished, given_up) = (("backoff", 2), ("stopped", 1), ("needs_attention", 1));
    let table = [
        ("exit 0", [again, finished, finished]),
        ("exit 1", [again, again, finished]),
        ("exit 137", [again, again, finished]),
        ("crash", [again, again, finished]),
        ("exit 76", [given_up, given_up, given_up]),
        ("exit 78", [("auth_blocked", 1), ("auth_blocked", 1), ("auth_blocked", 1)]),
    ];
    let name = |end: &str, index: usize| format!("{}-{index}", end.replace(' ', "-"));
    for (end, _) in &table {
        for (index, restart) in policies.into_iter().enumerate() {
            home.node(&name(end, index), &["count", "ready", end]);
            set(&mut settings, &name(end, index), |policy| policy.restart = restart);
        }
    }
    let supervisor = home.supervise_with(settings).await;
    for (end, cells) in table {
        for (index, (state, expected)) in cells.into_iter().enumerate() {
            let name = name(end, index);
            supervisor.client.start(&home, &name).await;
            let directory = home.node_directory(&name);
            eventually(&format!("{name} is {state} after {expected} starts"), async || {
                let node = supervisor.client.node(&name).await;
                (node["state"] == state && starts(&directory) == expected).then_some(())
            })
            .await;
            let desired = if state == "stopped" { "stopped" } else { "running" };
            assert_eq!(supervisor.client.node(&name).await["desired"], desired, "{name}");
        }
    }
    // What is finished is so for the next supervisor too.
    supervisor.leave().await;
    let supervisor = home.supervise().await;
    let node = supervisor.client.node("exit-0-2").await;
    assert_eq!((&node["state"], starts(&home.node_directory("exit-0-2"))), (&json!("stopped"), 1));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn five_failures_in_a_row_are_called_a_crash_loop_and_a_persons_start_clears_it() {
    let home = Home::new();
    let directory = home.node("a", &["say no such file", "exit 1"]);
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = Duration::from_millis(1);
    settings.policies.defaults.start_backoff.first = Duration::from_millis(1);
    settings.policies.defaults.start_backoff.longest = Duration::from_millis(1);
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.start(&home, "a").await;
    let node = supervisor.client.until_state("a", "crash_loop").await;
    assert!(node["process"]["attempt"].as_u64().unwrap() >= 5, "{node}");
    assert_eq!(node["process"]["last_exit"]["last_words"], "no such file");
    std::fs::write(directory.join("behaviour"), "ready\nwait-for go\nexit 1").unwrap();
    // The last of the failing ones may be alive at this moment; its end is counted after the start.
    eventually("a person's start is not counted", async || {
        supervisor.client.start(&home, "a").await;
        let node = supervisor.client.node("a").await;
        (node["state"] == "running" && node["restarts"] == 0).then_some(())
    })
    .await;
    supervisor.shut_down().await;
}

/// R10: being ready for long enough forgets the failures; being alive does not.
#[tokio::test]
async fn only_a_process_that_was_ready_begins_anew_after_its_end() {
    let home = Home::new();
    home.node("ready", &["ready", "sleep"]);
    let directory = home.node("never-ready", &["count", "exit 1"]);
    let mut settings = home.settings();
    let backoff = &mut settings.policies.defaults.start_backoff;
    // Any time counts as long enough. A second failure in a row is followed by a pause that lasts for ever.
    (backoff.stable_after, backoff.first, backoff.longest) = (Duration::from_nanos(1), NEVER, NEVER);
    let supervisor = home.supervise_with(settings).await;
    let client = &supervisor.client;
    let mut pid = client.must_start(&home, "ready").await;
    for _ in 0..4 {
        kill(pid);
        pid = client.until_replaced("ready", pid).await;
    }
    client.start(&home, "never-ready").await;
    eventually("the second failure", async || {
        let node = client.node("never-ready").await;
        (node["state"] == "backoff" && node["process"]["attempt"] == 2).then_some(())
    })
    .await;
    assert_eq!(starts(&directory), 2);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_that_is_not_ready_in_time_is_called_slow_and_left_alone() {
    let home = Home::new();
    let directory = home.node("a", &["count", "wait-for go", "ready", "sleep"]);
    let mut settings = home.settings();
    settings.policies.defaults.ready_timeout = Duration::from_millis(50);
    let supervisor = home.supervise_with(settings).await;
    let (status, _) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 504);
    let slow = supervisor.client.until_state("a", "slow").await;
    std::fs::write(directory.join("go"), "").unwrap();
    let node = supervisor.client.until_state("a", "running").await;
    assert_eq!((pid_of(&node), starts(&directory)), (pid_of(&slow), 1));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_hung_node_is_replaced_once_and_then_only_shown_as_hung() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let mut settings = home.settings();
    set(&mut settings, "a", |policy| policy.liveness_timeout = Some(Duration::from_millis(100)));
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    eventually("it is replaced", async || (starts(&directory) == 2).then_some(())).await;
    // R35: not again within five minutes.
    let node = supervisor.client.until_state("a", "hung").await;
    assert!(is_alive(pid_of(&node)));
    let past = supervisor.client.get("/v1/nodes/a").await;
    assert_eq!((&past["exits"][0]["asked"]["reason"], &past["exits"][0]["signal"]), (&json!("liveness"), &json!(15)));
    assert_eq!(starts(&directory), 2);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_hung_node_that_may_dump_core_is_ended_by_sigabrt() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let mut settings = home.settings();
    set(&mut settings, "a", |policy| {
        policy.liveness_timeout = Some(Duration::from_millis(100));
        policy.core = true;
    });
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    eventually("it is replaced", async || (starts(&directory) == 2).then_some(())).await;
    let past = supervisor.client.get("/v1/nodes/a").await;
    assert_eq!(past["exits"][0]["signal"], 6, "{past}");
    // Where this system writes core files into the working directory.
    std::fs::read_dir(home.project()).unwrap().flatten().for_each(|file| drop(std::fs::remove_file(file.path())));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn signs_of_life_keep_a_node_alive() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "heartbeat WATCHDOG=1"]);
    let mut settings = home.settings();
    set(&mut settings, "a", |policy| policy.liveness_timeout = Some(Duration::from_secs(20)));
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    let first = supervisor.client.node("a").await["proof_of_life"].clone();
    assert!(first.is_string());
    eventually("a later sign of life", async || {
        (supervisor.client.node("a").await["proof_of_life"] != first).then_some(())
    })
    .await;
    let node = supervisor.client.node("a").await;
    assert_eq!((&node["state"], starts(&directory)), (&json!("running"), 1));
    supervisor.client.stop("a").await;
    assert_eq!(
        supervisor.client.node("a").await["proof_of_life"],
        json!(null),
        "a stopped process gives no sign of life"
    );
    supervisor.shut_down().await;
}

#[tokio::test]
async fn the_link_that_a_node_tells_is_in_its_word_and_gone_when_it_stops() {
    let home = Home::new();
    home.node("a", &["tell X_ANET_LINK=connected READY=1", "wait-for go", "tell X_ANET_LINK=unreachable", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    assert_eq!(supervisor.client.node("a").await["link"]["value"], "connected");
    std::fs::write(home.node_directory("a").join("go"), "").unwrap();
    supervisor.client.until_state("a", "disconnected").await;
    supervisor.client.stop("a").await;
    let node = supervisor.client.node("a").await;
    assert_eq!((&node["state"], &node["link"], &node["work"]), (&json!("stopped"), &json!(null), &json!(null)));
    supervisor.shut_down().await;
}

fn start_hub(home: &Home) -> tokio::task::JoinHandle<(u16, serde_json::Value)> {
    let (client, database) = (home.client(), home.path().join("hub.db"));
    tokio::spawn(
        async move { client.post("/v1/hub/start", json!({"listen": "127.0.0.1:0", "database": database})).await },
    )
}

#[tokio::test]
async fn nodes_are_started_when_the_hub_is_ready_and_not_while_it_restarts() {
    let home = Home::new();
    home.hub_behaviour(&["wait-for go", "serve"]);
    let (go, directory) = (home.path().join("server/go"), home.node("a", &["count", "ready", "sleep"]));
    home.node("b", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = supervisor.client.clone();
    let hub = start_hub(&home);
    eventually("the hub is on its way", async || (client.get("/v1/hub").await["state"] == "starting").then_some(()))
        .await;
    let project = home.project();
    let starting = tokio::spawn({
        let client = client.clone();
        async move { client.post("/v1/nodes/a/start", json!({"project": project})).await }
    });
    client.until_state_of("a", "waiting").await;
    assert_eq!(starts(&directory), 0);
    std::fs::write(&go, "").unwrap();
    let (status, answer) = starting.await.unwrap();
    assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    assert_eq!(hub.await.unwrap().0, 200);
    let b = client.must_start(&home, "b").await;

    // While the hub restarts, what runs is left alone and what dies waits.
    std::fs::remove_file(&go).unwrap();
    kill(pid_of(&client.get("/v1/hub").await));
    eventually("the hub is on its way", async || (client.get("/v1/hub").await["state"] == "starting").then_some(()))
        .await;
    let a = pid_of(&client.node("a").await);
    kill(a);
    client.until_state("a", "waiting").await;
    assert!(is_alive(b));
    std::fs::write(&go, "").unwrap();
    client.until_replaced("a", a).await;
    assert_eq!(pid_of(&client.node("b").await), b);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_that_is_stopped_while_it_waits_for_the_hub_is_not_started() {
    let home = Home::new();
    home.hub_behaviour(&["wait-for go", "serve"]);
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = supervisor.client.clone();
    let hub = start_hub(&home);
    eventually("the hub is on its way", async || (client.get("/v1/hub").await["state"] == "starting").then_some(()))
        .await;
    let project = home.project();
    let starting = tokio::spawn({
        let client = client.clone();
        async move { client.post("/v1/nodes/a/start", json!({"project": project})).await }
    });
    client.until_state_of("a", "waiting").await;
    client.stop("a").await;
    let (status, answer) = starting.await.unwrap();
    assert_eq!((status, &answer["code"]), (502, &json!("start_failed")), "{answer}");
    std::fs::write(home.path().join("server/go"), "").unwrap();
    assert_eq!(hub.await.unwrap().0, 200);
    let node = client.node("a").await;
    assert_eq!((&node["state"], starts(&directory)), (&json!("stopped"), 0));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_of_another_hub_does_not_wait_for_this_one() {
    let home = Home::new();
    home.hub_behaviour(&["wait-for go", "serve"]);
    let directory = home.node("a", &["ready", "sleep"]);
    crate::harness::write_config(
        &directory,
        &json!({"node_id": "n_00000001", "node_name": "a", "runtime": "command", "env": {}, "hub": "https://hub.example"}),
    );
    let supervisor = home.supervise().await;
    let hub = start_hub(&home);
    let client = &supervisor.client;
    eventually("the hub is on its way", async || (client.get("/v1/hub").await["state"] == "starting").then_some(()))
        .await;
    client.must_start(&home, "a").await;
    std::fs::write(home.path().join("server/go"), "").unwrap();
    assert_eq!(hub.await.unwrap().0, 200);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_frozen_node_is_killed_and_replaced_though_it_cannot_hear_sigterm() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "freeze", "sleep"]);
    let mut settings = home.settings();
    set(&mut settings, "a", |policy| {
        policy.liveness_timeout = Some(Duration::from_millis(100));
        policy.stop_grace = Duration::from_millis(50);
    });
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    eventually("it is replaced", async || (starts(&directory) == 2).then_some(())).await;
    let past = supervisor.client.get("/v1/nodes/a").await;
    assert_eq!((&past["exits"][0]["asked"]["reason"], &past["exits"][0]["signal"]), (&json!("liveness"), &json!(9)));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_that_executes_itself_anew_is_the_same_process() {
    let home = Home::new();
    let directory = home.node("a", &["count", "become later"]);
    std::fs::write(directory.join("later"), "count\nready\nsleep").unwrap();
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    assert_eq!(std::fs::read_to_string(directory.join("starts")).unwrap(), format!("{pid}\n{pid}\n"));
    supervisor.client.stop("a").await;
    assert!(!is_alive(pid));
    supervisor.shut_down().await;
}
