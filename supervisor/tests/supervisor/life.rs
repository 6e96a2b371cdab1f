//! Start, stop, restart, registry, shutdown.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Home, eventually, is_alive, node_in, pid_of, starts};

#[tokio::test]
async fn starting_and_stopping_twice_changes_nothing_the_second_time() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let (status, first) = client.start(&home, "a").await;
    assert_eq!((status, &first["changed"]), (200, &json!(true)), "{first}");
    let (_, second) = client.post("/v1/nodes/a/start", json!({})).await;
    assert_eq!((&second["changed"], &second["node"]["pid"]), (&json!(false), &first["node"]["pid"]));
    assert_eq!(second["node"]["state"], "running");
    assert_eq!(second["node"]["desired"], "running");

    let pid = pid_of(&first["node"]);
    let (status, stopped) = client.stop("a").await;
    assert_eq!((status, &stopped["changed"]), (200, &json!(true)), "{stopped}");
    assert!(!is_alive(pid));
    assert_eq!((&stopped["node"]["state"], &stopped["node"]["desired"]), (&json!("stopped"), &json!("stopped")));
    assert_eq!(stopped["node"]["process"]["last_exit"]["signal"], 15);
    let (_, again) = client.stop("a").await;
    assert_eq!(again["changed"], false);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn sixty_four_starts_at_once_make_one_process() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let answers = join_all((0..64).map(|_| supervisor.client.start(&home, "a"))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(answers.iter().filter(|(_, answer)| answer["changed"] == true).count(), 1);
    assert_eq!(starts(&directory), 1);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_restart_replaces_the_process_and_starts_a_stopped_one() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let before = supervisor.client.must_start(&home, "a").await;
    let (status, answer) = supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    assert_ne!(pid_of(&answer["node"]), before);
    assert!(!is_alive(before));
    supervisor.client.stop("a").await;
    let (status, answer) = supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!((status, &answer["node"]["state"]), (200, &json!("running")), "{answer}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_name_in_two_projects_must_be_told_apart() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let other = home.project().with_file_name("other");
    node_in(&other, "a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    client.must_start(&home, "a").await;
    let (status, _) = client.post("/v1/nodes/a/register", json!({"project": other})).await;
    assert_eq!(status, 200);
    let (status, error) = client.stop("a").await;
    assert_eq!((status, &error["code"]), (409, &json!("ambiguous_node")));
    let text = error["error"].as_str().unwrap();
    assert!(text.contains("/project") && text.contains("/other"), "{text}");
    let (status, stopped) = client.post("/v1/nodes/a/stop", json!({"project": home.project()})).await;
    assert_eq!((status, &stopped["changed"]), (200, &json!(true)));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_cannot_be_a_node_is_refused() {
    let home = Home::new();
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    for (path, body, code) in [
        ("/v1/nodes/nobody/start", json!({}), "node_not_found"),
        ("/v1/nodes/nobody/stop", json!({}), "node_not_found"),
        ("/v1/nodes/nobody/start", json!({"project": home.project()}), "node_not_found"),
        ("/v1/nodes/a/start", json!({"project": "relative"}), "invalid_input"),
        ("/v1/nodes/a/start", json!({"projekt": "/"}), "invalid_input"),
        ("/v1/nodes/..%2F..%2Fetc/start", json!({"project": "/"}), "invalid_input"),
        ("/v1/nodes/../start", json!({}), "invalid_input"),
        ("/v1/hub/start", json!({"listen": "127.0.0.1:0", "database": "relative.db"}), "invalid_input"),
        ("/v1/nothing", json!({}), "invalid_input"),
    ] {
        let (_, error) = client.post(path, body.clone()).await;
        assert_eq!((&error["ok"], &error["code"]), (&json!(false), &json!(code)), "{path} {body} {error}");
    }
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_running_node_is_not_forgotten_and_a_stopped_one_is() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    client.must_start(&home, "a").await;
    let (status, error) = client.post("/v1/nodes/a/forget", json!({})).await;
    assert_eq!((status, &error["code"]), (409, &json!("still_running")));
    client.stop("a").await;
    assert_eq!(client.post("/v1/nodes/a/forget", json!({})).await, (200, json!({})));
    assert_eq!(client.get("/v1/nodes").await, json!({"nodes": []}));
    let state: Value = serde_json::from_slice(&std::fs::read(home.state_file()).unwrap()).unwrap();
    assert_eq!(state["nodes"], json!([]));
    client.must_start(&home, "a").await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_shutdown_leaves_the_children_or_stops_them_as_asked() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    home.node("b", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let (a, b) = (supervisor.client.must_start(&home, "a").await, supervisor.client.must_start(&home, "b").await);
    let (_, answer) = supervisor.client.post("/v1/shutdown", json!({"stop_children": false})).await;
    assert_eq!((&answer["left_running"], &answer["stopped"]), (&json!(["a", "b"]), &json!([])));
    supervisor.task.await.unwrap().unwrap();
    assert!(is_alive(a) && is_alive(b));

    let supervisor = home.supervise().await;
    assert_eq!(pid_of(&supervisor.client.node("a").await), a);
    let (_, answer) = supervisor.client.post("/v1/shutdown", json!({"stop_children": true})).await;
    assert_eq!((&answer["left_running"], &answer["stopped"]), (&json!([]), &json!(["a", "b"])));
    supervisor.task.await.unwrap().unwrap();
    assert!(!is_alive(a) && !is_alive(b));
    for left in ["run/supervisor.sock", "run/notify.sock", "run/credentials.sock"] {
        assert!(!home.path().join(left).exists(), "{left}");
    }

    // What was wanted is still wanted.
    let supervisor = home.supervise().await;
    supervisor.client.until_state("a", "running").await;
    supervisor.client.stop("b").await;
    supervisor.shut_down().await;
    let supervisor = home.supervise().await;
    supervisor.client.until_state("a", "running").await;
    assert_eq!(supervisor.client.node("b").await["state"], "stopped");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn every_change_of_state_is_an_event_with_an_increasing_number() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let mut stream = supervisor.client.stream("/v1/events").await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.client.stop("a").await;
    let mut text = String::new();
    while text.matches("\"state\":").count() < 4 {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    let events: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let states: Vec<_> = events.iter().map(|event| event["process"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["starting", "running", "stopping", "stopped"]);
    assert!(events.windows(2).all(|pair| pair[0]["id"].as_u64() < pair[1]["id"].as_u64()));
    assert!(events.iter().all(|event| event["name"] == "a"));
    // The open stream does not hold up the end.
    supervisor.shut_down().await;
    assert!(stream.chunk().await.is_ok_and(|chunk| chunk.is_none()));
}

#[tokio::test]
async fn the_status_tells_when_the_program_was_replaced() {
    let home = Home::new();
    let mut settings = home.settings();
    let program = home.project().join("program");
    std::fs::write(&program, "1").unwrap();
    settings.executable.clone_from(&program);
    let supervisor = home.supervise_with(settings).await;
    let status = supervisor.client.get("/v1/status").await;
    assert_eq!((&status["executable_is_current"], &status["control_version"]), (&json!(true), &json!(2)));
    assert_eq!(status["pid"], std::process::id());
    std::fs::rename(&program, home.project().join("moved")).unwrap();
    assert_eq!(supervisor.client.get("/v1/status").await["executable_is_current"], false);
    std::fs::write(&program, "2").unwrap();
    assert_eq!(supervisor.client.get("/v1/status").await["executable_is_current"], false);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_stop_reaches_a_node_that_waits_for_its_next_start() {
    let home = Home::new();
    let directory = home.node("a", &["count", "exit 1"]);
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_secs(3600);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_secs(3600);
    let supervisor = home.supervise_with(settings).await;
    let (status, _) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 502);
    eventually("the second failure", async || (starts(&directory) == 2).then_some(())).await;
    supervisor.client.until_state("a", "backoff").await;
    let (status, stopped) = supervisor.client.stop("a").await;
    assert_eq!((status, &stopped["changed"], &stopped["node"]["state"]), (200, &json!(true), &json!("stopped")));
    supervisor.shut_down().await;
}
