use std::time::Duration;

use anet_protocol::exit_code::ExitCode;
use reqwest::Client;
use serde_json::{Value, json};

use super::bench::{Bench, RunningNode};
use super::fake_hub::TOKEN;
use super::task;
use crate::settings::Settings;

const WAITING_AGENT: &str =
    "echo $ANET_TASK_SOCKET > socket.new; mv socket.new socket; until [ -e go ]; do sleep 0.02; done";

/// A node whose agent waits, and a client on the agent's socket.
pub(super) async fn with_agent(bench: &Bench, attempt: u32) -> (RunningNode, Client) {
    with_agent_of(bench, bench.settings(WAITING_AGENT, attempt), attempt).await
}

async fn with_agent_of(bench: &Bench, settings: Settings, attempt: u32) -> (RunningNode, Client) {
    let node = bench.run(settings);
    bench.hub.send(task("parent", attempt, "count"));
    let socket = bench.line_in("socket").await;
    (node, Client::builder().unix_socket(socket).no_proxy().build().unwrap())
}

pub(super) async fn post(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let response = client.post(format!("http://agent{path}")).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

pub(super) async fn get(client: &Client, path: &str) -> (u16, Value) {
    let response = client.get(format!("http://agent{path}")).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

pub(super) async fn finish(bench: &Bench, node: RunningNode) {
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(node.stopped().await, ExitCode::Stopped);
    assert_eq!(bench.files("sockets"), [] as [&str; 0]);
    std::fs::remove_file(bench.path("go")).unwrap();
    std::fs::remove_file(bench.path("socket")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_delegates_as_its_node_for_its_task() {
    let bench = Bench::new();
    let (node, client) = with_agent(&bench, 1).await;
    let wanted = json!({"alias": "helper", "task": "a part", "parent_task_id": "another's", "priority": "high"});
    let (status, sent) = post(&client, "/api/task", &wanted).await;
    assert_eq!((status, &sent["task_id"]), (200, &json!("sub-0")));
    {
        let state = bench.hub.state.borrow();
        let call = state.named("task")[0];
        assert_eq!(call.body["parent_task_id"], "parent");
        assert_eq!(call.body["priority"], "high");
        assert_eq!(call.headers["authorization"], format!("Bearer {TOKEN}"));
    }
    assert_eq!(get(&client, "/api/task/sub-0?wait=1").await, (200, json!({"ok": true, "from": "the hub"})));
    assert_eq!(get(&client, "/api/nodes").await.0, 200);
    assert_eq!(post(&client, "/api/task/sub-0/cancel", &json!({"reason": "enough"})).await.0, 200);
    {
        let state = bench.hub.state.borrow();
        let look = state.calls.iter().find(|call| call.path == "/api/task/sub-0").unwrap();
        assert_eq!(look.query, "wait=1");
        let cancel = state.calls.iter().find(|call| call.path == "/api/task/sub-0/cancel").unwrap();
        assert_eq!(cancel.body["reason"], "enough");
    }
    finish(&bench, node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reaches_nothing_beyond_its_task() {
    let bench = Bench::new();
    let (node, client) = with_agent(&bench, 1).await;
    let before = bench.hub.state.borrow().calls.len();
    for (method, path) in [
        ("get", "/api/task/foreign"),
        ("get", "/api/task/parent"),
        ("get", "/api/task/..%2f..%2fapi%2fnodes"),
        ("post", "/api/task/foreign/cancel"),
    ] {
        let (status, body) =
            if method == "get" { get(&client, path).await } else { post(&client, path, &json!({})).await };
        assert_eq!((status, &body["code"]), (404, &json!("task_not_found")), "{method} {path}");
    }
    for path in ["/api/tasks", "/api/auth/me", "/api/node/claim", "/mcp", "/events/counter"] {
        let (status, body) = get(&client, path).await;
        assert_eq!((status, &body["code"]), (404, &json!("not_found")), "{path}");
    }
    for body in [
        json!({"alias": "a", "task": "x", "from": "somebody"}),
        json!({"alias": "a", "task": "x", "network_id": "net_2"}),
        json!({"alias": "a", "task": "x", "unknown": 1}),
        json!({"alias": "a"}),
    ] {
        let (status, answer) = post(&client, "/api/task", &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("invalid_input")), "{body}");
    }
    assert_eq!(get(&client, "/api/nodes?network_id=net_2").await.0, 400);
    let asked: Vec<String> = bench.hub.state.borrow().calls[before..]
        .iter()
        .map(|call| call.path.clone())
        .filter(|path| !path.starts_with("/api/node/"))
        .collect();
    assert_eq!(asked, [] as [&str; 0], "the hub was asked");
    finish(&bench, node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_attempt_delegates_the_same_subtasks() {
    let bench = Bench::new();
    let part = json!({"alias": "helper", "task": "a part"});
    let mut keys = Vec::new();
    for attempt in 1..=2 {
        let (node, client) = with_agent(&bench, attempt).await;
        for repetition in 0..2 {
            let (_, sent) = post(&client, "/api/task", &part).await;
            assert_eq!(sent["task_id"], format!("sub-{repetition}"));
        }
        let own_key = json!({"alias": "helper", "task": "a part", "idempotency_key": "mine"});
        post(&client, "/api/task", &own_key).await;
        finish(&bench, node).await;
        let bodies = bench.hub.bodies("task");
        keys.push(bodies.iter().map(|body| body["idempotency_key"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        bench.hub.change(|state| state.calls.clear());
    }
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[0][2], "mine");
    assert_ne!(keys[0][0], keys[0][1], "asked twice, it is two tasks");
    assert_eq!(keys[0][0].len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hubs_refusals_and_its_absence_are_passed_on() {
    let mut bench = Bench::new();
    let mut settings = bench.settings(WAITING_AGENT, 1);
    settings.timing.outage = Duration::ZERO;
    let (node, client) = with_agent_of(&bench, settings, 1).await;
    let unknown =
        json!({"ok": false, "error": "alias_not_found", "code": "alias_not_found", "suggestions": ["helper"]});
    bench.hub.change(|state| state.script("task", 404, unknown.clone()));
    let part = json!({"alias": "helpr", "task": "a part"});
    assert_eq!(post(&client, "/api/task", &part).await, (404, unknown));
    bench.hub.kill();
    let (status, body) = post(&client, "/api/task", &part).await;
    assert_eq!((status, &body["code"]), (502, &json!("hub_unreachable")));
    bench.hub.restart().await;
    assert_eq!(post(&client, "/api/task", &part).await.0, 200);
    let bodies = bench.hub.bodies("task");
    assert_eq!(bodies[0]["idempotency_key"], bodies[1]["idempotency_key"], "an unanswered send is the same send again");
    finish(&bench, node).await;
}
