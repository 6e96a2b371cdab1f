//! What a node is given, and what keeps it from starting.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::{Home, PATIENCE, eventually, write_config, write_dot_env};

#[tokio::test]
async fn the_environment_is_the_allow_list_the_configuration_and_ours() {
    let home = Home::new();
    let directory = home.node("a", &["environment", "ready", "sleep"]);
    let env = json!({"MODEL": "m", "API_KEY": {"_envRef": "API_KEY_N_1"}, "ANET_INSTANCE_ID": "i_forged"});
    write_config(&directory, &json!({"node_name": "a", "env": env}));
    write_dot_env(&directory, "API_KEY_N_1=first\nUNUSED=no\n");
    let mut settings = home.settings();
    settings.environment.extend([
        ("COMMHUB_TOKEN".into(), "utok_canary".into()),
        ("ANTHROPIC_API_KEY".into(), "sk-canary".into()),
        ("LC_ALL".into(), "C".into()),
    ]);
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    let environment = || {
        let text = std::fs::read_to_string(directory.join("environment")).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = environment();
    assert!(!first.iter().any(|line| line.contains("canary") || line.starts_with("UNUSED=")), "{first:?}");
    for expected in ["MODEL=m", "API_KEY=first", "PATH=/usr/bin:/bin", "LC_ALL=C"] {
        assert!(first.iter().any(|line| line == expected), "{expected} is not in {first:?}");
    }
    assert!(first.iter().any(|line| *line == format!("ANET_HOME={}", home.path().display())), "{first:?}");
    assert!(first.iter().any(|line| line.starts_with("NOTIFY_SOCKET=/")), "{first:?}");
    let instance = |lines: &[String]| {
        lines.iter().filter(|line| line.starts_with("ANET_INSTANCE_ID=i_")).cloned().collect::<Vec<_>>()
    };
    assert!(instance(&first).len() == 1 && instance(&first) != ["ANET_INSTANCE_ID=i_forged"], "{first:?}");

    // Read anew at each start (R38).
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    let second = environment();
    assert!(second.iter().any(|line| line == "API_KEY=second"), "{second:?}");
    assert_ne!(instance(&first), instance(&second));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_credential_of_the_service_manager_reaches_the_node_that_refers_to_it() {
    let home = Home::new();
    let directory = home.node("a", &["environment", "ready", "sleep"]);
    write_config(&directory, &json!({"node_name": "a", "env": {"API_KEY": {"_envRef": "API_KEY_N_1"}}}));
    let credentials = tempfile::tempdir().unwrap();
    for (name, value) in [("API_KEY_N_1", "from systemd\n"), ("OTHER", "canary")] {
        std::fs::write(credentials.path().join(name), value).unwrap();
        std::fs::set_permissions(credentials.path().join(name), std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    let mut settings = home.settings();
    settings.environment.push(("CREDENTIALS_DIRECTORY".into(), credentials.path().into()));
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    let environment = std::fs::read_to_string(directory.join("environment")).unwrap();
    assert!(environment.lines().any(|line| line == "API_KEY=from systemd"), "{environment}");
    assert!(!environment.contains("canary") && !environment.contains("CREDENTIALS_DIRECTORY"), "{environment}");

    // What another user could have put there starts nothing.
    let path = credentials.path().join("API_KEY_N_1");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o606)).unwrap();
    let (status, error) = supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!(status, 422, "{error}");
    assert!(error["error"].as_str().unwrap().contains("API_KEY_N_1 is open to other users"), "{error}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_broken_configuration_is_named_by_line_and_column_and_others_start() {
    let home = Home::new();
    let directory = home.node("broken", &["ready", "sleep"]);
    home.node("sound", &["ready", "sleep"]);
    std::fs::write(directory.join("config.json"), "{\n  \"node_name\": \"broken\",\n  oops\n}").unwrap();
    let supervisor = home.supervise().await;
    let (status, error) = supervisor.client.start(&home, "broken").await;
    assert_eq!((status, &error["code"]), (422, &json!("config_invalid")));
    assert!(error["error"].as_str().unwrap().contains("config.json:3:"), "{error}");
    supervisor.client.must_start(&home, "sound").await;
    let node = supervisor.client.node("broken").await;
    assert_eq!((&node["state"], &node["desired"]), (&json!("needs_attention"), &json!("running")));
    assert!(node["config_error"].as_str().unwrap().contains("config.json:3:"), "{node}");
    assert!(supervisor.client.node("sound").await["config_error"].is_null());

    write_config(&directory, &json!({"node_name": "broken", "node_id": "n_1"}));
    let node = supervisor.client.until_state("broken", "running").await;
    assert_eq!((&node["node_id"], &node["config_error"]), (&json!("n_1"), &json!(null)));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_unsafe_dot_env_or_a_reference_without_value_is_fatal_until_mended() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    write_config(&directory, &json!({"node_name": "a", "env": {"KEY": {"_envRef": "KEY_N_1"}}}));
    let supervisor = home.supervise().await;
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!((status, &error["code"]), (422, &json!("config_invalid")));
    assert!(error["error"].as_str().unwrap().contains("KEY_N_1"), "{error}");
    assert!(error["hint"].as_str().unwrap().starts_with("add KEY_N_1=… to /"), "{error}");

    let dot_env = directory.join(".env");
    std::fs::write(&dot_env, "KEY_N_1=sk-canary\n").unwrap();
    std::fs::set_permissions(&dot_env, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (_, error) = supervisor.client.start(&home, "a").await;
    assert!(error["hint"].as_str().unwrap().starts_with("chmod 600 "), "{error}");
    assert!(!error.to_string().contains("canary"));

    // The chmod alone brings it up.
    std::fs::set_permissions(&dot_env, std::fs::Permissions::from_mode(0o600)).unwrap();
    supervisor.client.until_state("a", "running").await;
    let state = std::fs::read_to_string(home.state_file()).unwrap();
    assert!(!state.contains("canary"), "a secret is in the state file");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_restart_does_not_end_what_could_not_be_started_again() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    let dot_env = directory.join(".env");
    std::fs::write(&dot_env, "KEY=1\n").unwrap();
    std::fs::set_permissions(&dot_env, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (status, error) = supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!((status, &error["code"]), (422, &json!("config_invalid")));
    assert!(error["error"].as_str().unwrap().starts_with("a runs on as it is: "), "{error}");
    assert_eq!(crate::harness::pid_of(&supervisor.client.node("a").await), pid);
    std::fs::set_permissions(&dot_env, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (status, answer) = supervisor.client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    assert_ne!(crate::harness::pid_of(&supervisor.client.node("a").await), pid);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_directory_that_vanished_is_reported() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.client.stop("a").await;
    std::fs::remove_dir_all(&directory).unwrap();
    let node = supervisor.client.node("a").await;
    assert!(node["config_error"].as_str().unwrap().ends_with("is gone"), "{node}");
    let (status, error) = supervisor.client.post("/v1/nodes/a/start", json!({})).await;
    assert_eq!(status, 422, "{error}");
    supervisor.leave().await;
    let supervisor = home.supervise().await;
    supervisor.client.until_state("a", "needs_attention").await;
    supervisor.shut_down().await;
}

/// The supervisor looks at nothing by itself, so only being told can help.
#[tokio::test]
async fn a_replaced_configuration_and_a_restored_directory_are_told() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    std::fs::write(directory.join("config.json"), "{").unwrap();
    let mut settings = home.settings();
    settings.mended_interval = PATIENCE * 10;
    let supervisor = home.supervise_with(settings).await;
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 422, "{error}");

    // A change that mends nothing must not be the last that is heard of.
    let replace = |text: &str| {
        std::fs::write(directory.join("config.json.new"), text).unwrap();
        std::fs::rename(directory.join("config.json.new"), directory.join("config.json")).unwrap();
    };
    replace("[]");
    eventually("the second attempt", async || {
        let node = supervisor.client.node("a").await;
        (node["state"] == "needs_attention" && node["restarts"] == 1).then_some(())
    })
    .await;
    replace(r#"{"node_name": "a"}"#);
    supervisor.client.until_state("a", "running").await;

    supervisor.client.stop("a").await;
    std::fs::remove_dir_all(&directory).unwrap();
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 422, "{error}");
    home.node("a", &["ready", "sleep"]);
    supervisor.client.until_state("a", "running").await;
    supervisor.shut_down().await;
}
