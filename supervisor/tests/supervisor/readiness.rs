//! Ready is what a process says itself, and nobody else for it.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::json;

use crate::harness::{Home, eventually, is_alive, pid_of};

#[tokio::test]
async fn a_process_that_never_says_ready_is_left_running_and_told_about() {
    let home = Home::new();
    home.node("a", &["sleep"]);
    let mut settings = home.settings();
    settings.policies.defaults.ready_timeout = Duration::from_millis(200);
    let supervisor = home.supervise_with(settings).await;
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!((status, &error["code"]), (504, &json!("not_ready")), "{error}");
    let node = supervisor.client.until_state("a", "slow").await;
    assert_eq!(node["process"]["state"], "starting");
    assert!(is_alive(pid_of(&node)));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_stranger_cannot_make_a_process_ready() {
    let home = Home::new();
    let directory = home.node("a", &["wait-for go", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = supervisor.client.clone();
    let starting = tokio::spawn({
        let (client, project) = (client.clone(), home.project());
        async move { client.post("/v1/nodes/a/start", json!({"project": project})).await }
    });
    let pid = eventually("a is starting", async || {
        let nodes = client.get("/v1/nodes").await;
        nodes["nodes"][0]["pid"].as_i64()
    })
    .await;
    let socket = UnixDatagram::unbound().unwrap();
    let notify = home.path().join("run/notify.sock");
    for text in
        [format!("READY=1\nMAINPID={pid}"), "READY=1".to_owned(), "X_ANET_LINK=connected\nWATCHDOG=1".to_owned()]
    {
        socket.send_to(text.as_bytes(), &notify).unwrap();
    }
    assert_eq!(client.node("a").await["state"], "starting");
    // Notifications are handled in order: what the node tells now comes after the stranger's.
    std::fs::write(directory.join("go"), "").unwrap();
    let (status, answer) = starting.await.unwrap();
    assert_eq!((status, &answer["node"]["state"]), (200, &json!("running")));
    assert!(answer["node"]["link"].is_null(), "{answer}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_process_of_the_childs_session_may_speak_for_it() {
    let home = Home::new();
    home.node("a", &["ready-through-a-child", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.shut_down().await;
}

/// A process of the node's own session that has become another user is none of this supervisor's. Only root can become
/// one; for anybody else the process says nothing.
#[tokio::test]
async fn what_another_user_says_in_the_childs_session_is_not_heard() {
    let home = Home::new();
    let directory = home.node("a", &["ready-as-nobody", "tell X_ANET_WORK=1", "wait-for go", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = supervisor.client.clone();
    let starting = tokio::spawn({
        let (client, project) = (client.clone(), home.project());
        async move { client.post("/v1/nodes/a/start", json!({"project": project})).await }
    });
    // What the node tells itself was sent after the other's word, and is handled after it.
    let node = eventually("the node's own word", async || {
        let nodes = client.get("/v1/nodes").await;
        nodes["nodes"].as_array()?.first().filter(|node| node["work"]["value"] == 1).cloned()
    })
    .await;
    assert_eq!(node["state"], "starting", "{node}");
    std::fs::write(directory.join("go"), "").unwrap();
    assert_eq!(starting.await.unwrap().0, 200);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn link_and_work_are_shown_with_their_time() {
    let home = Home::new();
    home.node("a", &["tell X_ANET_LINK=connected X_ANET_WORK=2", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    let node = supervisor.client.node("a").await;
    assert_eq!((&node["link"]["value"], &node["work"]["value"]), (&json!("connected"), &json!(2)));
    assert!(node["link"]["at"].is_string());
    supervisor.client.stop("a").await;
    assert!(supervisor.client.node("a").await["link"].is_null(), "a dead process has no link");
    supervisor.shut_down().await;
}
