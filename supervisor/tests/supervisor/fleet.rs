//! Several nodes in one request.

use serde_json::{Value, json};

use crate::harness::{Home, is_alive, pid_of, write_config};

fn member(home: &Home, name: &str) -> Value {
    json!({"name": name, "project": home.project()})
}

/// Who was asked to do what, and what came of it, as the audit log has it.
fn audited(home: &Home) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(home.path().join("supervisor/audit.jsonl")).unwrap();
    let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (word(&line, "action"), word(&line, "name"), word(&line, "result"))).collect()
}

#[tokio::test]
async fn each_node_of_a_request_is_answered_and_audited_for_itself() {
    let home = Home::new();
    for name in ["a", "b"] {
        home.node(name, &["ready", "sleep"]);
    }
    let broken = home.node("broken", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    for name in ["a", "b", "broken"] {
        let (status, _) = client.post(&format!("/v1/nodes/{name}/register"), json!({"project": home.project()})).await;
        assert_eq!(status, 200);
    }
    write_config(&broken, &json!("no object"));
    client.must_start(&home, "b").await;
    let before = audited(&home).len();
    let nodes: Vec<Value> = ["b", "broken", "absent", "a"].map(|name| member(&home, name)).to_vec();
    let (status, answer) = client.post("/v1/fleet/start", json!({"nodes": nodes})).await;
    assert_eq!(status, 200, "{answer}");
    let outcomes: Vec<_> = answer["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            (node["name"].as_str().unwrap(), node["changed"].as_bool().unwrap(), node["refusal"]["code"].as_str())
        })
        .collect();
    let expected = [
        ("b", false, None),
        ("broken", false, Some("config_invalid")),
        ("absent", false, Some("node_not_found")),
        ("a", true, None),
    ];
    assert_eq!(outcomes, expected);
    let mut lines = audited(&home).split_off(before);
    lines.sort();
    let line = |name: &str, result: &str| ("start".to_owned(), name.to_owned(), result.to_owned());
    let expected = [line("a", "done"), line("absent", "refused"), line("b", "done"), line("broken", "refused")];
    assert_eq!(lines, expected);

    let pids = [pid_of(&client.node("a").await), pid_of(&client.node("b").await)];
    let nodes: Vec<Value> = ["a", "b"].map(|name| member(&home, name)).to_vec();
    let (_, answer) = client.post("/v1/fleet/stop", json!({"nodes": nodes})).await;
    assert!(answer["nodes"].as_array().unwrap().iter().all(|node| node["changed"] == true), "{answer}");
    assert!(!pids.into_iter().any(is_alive), "a stop that was answered is done");
    assert_eq!(client.node("a").await["desired"], "stopped");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_that_is_too_slow_is_told_so_and_delays_no_other_beyond_the_limit() {
    let home = Home::new();
    home.node("quick", &["ready", "sleep"]);
    home.node("slow", &["sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    for name in ["quick", "slow"] {
        client.post(&format!("/v1/nodes/{name}/register"), json!({"project": home.project()})).await;
    }
    let nodes = [member(&home, "slow"), member(&home, "quick")];
    let (status, answer) = client.post("/v1/fleet/start", json!({"nodes": nodes, "wait_seconds": 1})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["nodes"][0]["refusal"]["code"], "not_ready", "{answer}");
    assert_eq!((&answer["nodes"][1]["changed"], &answer["nodes"][1]["refusal"]), (&json!(true), &Value::Null));
    supervisor.shut_down().await;
}
