//! Edits of a running node's files: noticed, and applied by its policy.

use std::path::Path;

use anet_supervisor::{EnvChange, Settings};
use serde_json::{Value, json};

use crate::harness::{Home, PATIENCE, eventually, pid_of, write_config, write_dot_env};

const CONFIG: &str = r#"{"node_name": "a", "env": {"API_KEY": {"_envRef": "API_KEY_N_1"}}}"#;

fn settings(home: &Home, env_change: EnvChange) -> Settings {
    let mut settings = home.settings();
    settings.policies.defaults.env_change = env_change;
    settings
}

fn node(home: &Home, behaviour: &[&str]) -> std::path::PathBuf {
    let directory = home.node("a", behaviour);
    write_config(&directory, &serde_json::from_str(CONFIG).unwrap());
    write_dot_env(&directory, "API_KEY_N_1=first\n");
    directory
}

fn has(directory: &Path, line: &str) -> bool {
    std::fs::read_to_string(directory.join("environment")).unwrap_or_default().lines().any(|known| known == line)
}

#[tokio::test]
async fn an_edit_restarts_a_node_at_once_where_the_policy_says_so() {
    let home = Home::new();
    let directory = node(&home, &["environment", "ready", "sleep"]);
    let supervisor = home.supervise_with(settings(&home, EnvChange::Now)).await;
    let before = supervisor.client.must_start(&home, "a").await;
    // What changes nothing for the next start restarts nothing; the edit after it shows that it was seen.
    write_dot_env(&directory, "# a comment\nAPI_KEY_N_1=first\n");
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    supervisor.client.until_replaced("a", before).await;
    assert!(has(&directory, "API_KEY=second"));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_at_work_is_restarted_when_it_has_nothing_in_hand() {
    let home = Home::new();
    let directory =
        node(&home, &["environment", "ready", "tell X_ANET_WORK=1", "wait-for edited", "tell X_ANET_WORK=0", "sleep"]);
    let supervisor = home.supervise_with(settings(&home, EnvChange::RestartWhenIdle)).await;
    let before = supervisor.client.must_start(&home, "a").await;
    let work = async |count: u32| {
        eventually("the node tells its work", async || {
            (supervisor.client.node("a").await["work"]["value"] == count).then_some(())
        })
        .await;
    };
    work(1).await;
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    let changed = eventually("the edit is shown", async || {
        let node = supervisor.client.node("a").await;
        node["changed"].is_array().then_some(node)
    })
    .await;
    assert_eq!((&changed["changed"], pid_of(&changed)), (&json!(["environment"]), before), "{changed}");
    std::fs::write(directory.join("edited"), "").unwrap();
    supervisor.client.until_replaced("a", before).await;
    assert!(has(&directory, "API_KEY=second"));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_edit_is_only_shown_where_a_person_is_to_be_asked_and_a_new_token_is_none() {
    let home = Home::new();
    let directory = node(&home, &["environment", "ready", "tell X_ANET_WORK=0", "sleep"]);
    let supervisor = home.supervise_with(settings(&home, EnvChange::Ask)).await;
    let before = supervisor.client.must_start(&home, "a").await;
    let mut config: Value = serde_json::from_str(CONFIG).unwrap();
    config["token"] = "ntok_00000000000000000000000000000000".into();
    write_config(&directory, &config);
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    let node = eventually("the edit is shown", async || {
        let node = supervisor.client.node("a").await;
        node["changed"].is_array().then_some(node)
    })
    .await;
    assert_eq!((&node["changed"], pid_of(&node)), (&json!(["environment"]), before), "{node}");
    supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    eventually("nothing is left to apply", async || {
        supervisor.client.node("a").await["changed"].is_null().then_some(())
    })
    .await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_edit_of_a_node_that_is_being_stopped_does_not_start_it_again() {
    let home = Home::new();
    let directory = node(&home, &["ignore-term", "ready", "wait-for released"]);
    let mut settings = settings(&home, EnvChange::Now);
    settings.policies.defaults.stop_grace = PATIENCE;
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    // Another node holds the shutdown up, as the hub does, which goes last.
    let other = home.node("b", &["ignore-term", "ready", "wait-for released"]);
    supervisor.client.must_start(&home, "b").await;
    let client = supervisor.client.clone();
    let shutdown = tokio::spawn(async move { client.post("/v1/shutdown", json!({"stop_children": true})).await });
    supervisor.client.until_state("a", "stopping").await;
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    eventually("the edit is seen", async || supervisor.client.node("a").await["changed"].is_array().then_some(()))
        .await;
    std::fs::write(directory.join("released"), "").unwrap();
    let ended = eventually("it ended and its change is judged", async || {
        let node = supervisor.client.node("a").await;
        (node["changed"].is_null()).then_some(node)
    })
    .await;
    assert_eq!(ended["state"], "stopped", "{ended}");
    std::fs::write(other.join("released"), "").unwrap();
    assert_eq!(shutdown.await.unwrap().0, 200);
    supervisor.task.await.unwrap().unwrap();
    assert!(home.processes().is_empty(), "{:?}", home.processes());
}
