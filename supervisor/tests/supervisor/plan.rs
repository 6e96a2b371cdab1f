//! Settings that change while everything runs, and what that restarts.

use serde_json::{Value, json};

use crate::harness::{Home, pid_of, write_config, write_dot_env};

fn write_settings(home: &Home, text: &str) {
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("supervisor.toml"), text).unwrap();
}

fn planned(plan: &Value) -> Vec<(String, Value)> {
    let restarts = plan["restarts"].as_array().unwrap().iter();
    restarts.map(|restart| (restart["name"].as_str().unwrap().to_owned(), restart["reasons"].clone())).collect()
}

#[tokio::test]
async fn a_fresh_start_refuses_a_faulty_settings_file_and_a_running_one_keeps_its_last_good_one() {
    let home = Home::new();
    write_settings(&home, "[defaults]\nready_timeout = \"1s\"\n");
    let refused = anet_supervisor::run(
        home.settings(),
        std::sync::Arc::new(crate::harness::System),
        std::sync::Arc::new(crate::harness::System),
        tokio_util::sync::CancellationToken::new(),
        || {},
    )
    .await
    .unwrap_err();
    assert!(refused.to_string().contains("supervisor.toml:2:1: unknown field `ready_timeout`"), "{refused}");
    assert!(!home.path().join("run").exists(), "something was changed");

    // In force from the start: the node is called slow at once, and not after the default of the test.
    write_settings(&home, "[node.slow]\nready-timeout = \"10ms\"\n");
    home.node("slow", &["sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let (status, answer) = client.start(&home, "slow").await;
    assert_eq!((status, &answer["code"]), (504, &json!("not_ready")), "{answer}");

    write_settings(&home, "[defaults]\nrestart = \"maybe\"\n");
    for (method, path) in [("POST", "/v1/reload"), ("GET", "/v1/plan")] {
        let answer = if method == "POST" { client.post(path, json!({})).await.1 } else { client.get(path).await };
        assert_eq!(answer["code"], "config_invalid", "{answer}");
        assert!(
            answer["error"].as_str().unwrap().contains("supervisor.toml:2:11: unknown variant `maybe`"),
            "{answer}"
        );
    }
    let (status, _) = client.start(&home, "slow").await;
    assert_eq!(status, 504, "the last good settings are in force");
    write_settings(&home, "");
    assert_eq!(client.post("/v1/reload", json!({})).await.1["changed"], true);
    assert_eq!(client.post("/v1/reload", json!({})).await.1["changed"], false);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn the_plan_names_what_changed_and_none_of_the_others() {
    let home = Home::new();
    let names: Vec<String> = (0..10).map(|index| format!("n{index}")).collect();
    for name in &names {
        let directory = home.node(name, &["ready", "sleep"]);
        write_config(
            &directory,
            &json!({"node_name": name, "runtime": "command", "env": {"KEY": {"_envRef": "SECRET"}}}),
        );
        write_dot_env(&directory, "SECRET=one\n");
    }
    home.node("stopped", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    for name in &names {
        client.must_start(&home, name).await;
    }
    client.must_start(&home, "stopped").await;
    client.stop("stopped").await;
    let plan = client.get("/v1/plan").await;
    assert_eq!((planned(&plan), &plan["unchanged"], &plan["settings_changed"]), (vec![], &json!(11), &json!(false)));

    write_dot_env(&home.node_directory("n1"), "SECRET=two\n");
    // Another order and a comment are no change; neither is another token.
    write_dot_env(&home.node_directory("n2"), "# comment\nOTHER=1\nSECRET=one\n");
    let config = |more: &Value| {
        let mut config = json!({"node_name": "x", "runtime": "command", "env": {"KEY": {"_envRef": "SECRET"}}});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    write_config(&home.node_directory("n3"), &config(&json!({"node_name": "n3", "model": "m"})));
    write_config(&home.node_directory("n4"), &config(&json!({"node_name": "n4", "token": "ntok_new"})));
    write_config(&home.node_directory("stopped"), &config(&json!({"model": "m"})));
    std::fs::write(home.node_directory("n5").join("config.json"), "{").unwrap();
    write_settings(&home, "[node.n6]\nmemory-max = \"1G\"\n[node.n7]\nstop-grace = \"1s\"\n");
    let plan = client.get("/v1/plan").await;
    assert_eq!(plan["settings_changed"], true);
    let words = |name: &str, reason: &str| (name.to_owned(), json!([reason]));
    let expected = [words("n1", "environment"), words("n3", "configuration"), words("n6", "limits")];
    assert_eq!(planned(&plan), expected);
    assert!(plan["unusable"][0].as_str().unwrap().starts_with("n5: "), "{plan}");
    client.post("/v1/reload", json!({})).await;
    let reloaded = client.get("/v1/plan").await;
    assert_eq!((planned(&reloaded), &reloaded["settings_changed"]), (planned(&plan), &json!(false)));
    // A restart makes it true again, and the plan empties.
    for (name, _) in planned(&plan) {
        let before = pid_of(&client.node(&name).await);
        let (status, answer) = client.post(&format!("/v1/nodes/{name}/restart"), json!({})).await;
        assert_eq!(status, 200, "{answer}");
        assert_ne!(pid_of(&answer["node"]), before);
    }
    assert_eq!(planned(&client.get("/v1/plan").await), []);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_a_node_was_started_with_is_known_to_the_next_supervisor_and_tells_no_secret() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    write_config(&directory, &json!({"node_name": "a", "runtime": "command", "env": {"KEY": {"_envRef": "SECRET"}}}));
    write_dot_env(&directory, "SECRET=canary-4711\n");
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.leave().await;
    assert!(!std::fs::read_to_string(home.state_file()).unwrap().contains("canary-4711"));
    let supervisor = home.supervise().await;
    assert_eq!(planned(&supervisor.client.get("/v1/plan").await), []);
    write_dot_env(&directory, "SECRET=canary-4712\n");
    assert_eq!(planned(&supervisor.client.get("/v1/plan").await).len(), 1);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn another_program_file_is_a_reason_to_restart_what_the_old_one_runs() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.leave().await;
    let mut settings = home.settings();
    let program = home.project().join("another-program");
    std::fs::hard_link(&settings.executable, &program)
        .or_else(|_| std::os::unix::fs::symlink(&settings.executable, &program))
        .unwrap();
    settings.launcher.node[0] = program.into();
    let supervisor = home.supervise_with(settings).await;
    let plan = supervisor.client.get("/v1/plan").await;
    assert_eq!(planned(&plan), [("a".to_owned(), json!(["program"]))]);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn the_state_file_does_not_tell_which_nodes_share_a_secret() {
    let home = Home::new();
    let supervisor = home.supervise().await;
    for name in ["a", "b"] {
        let directory = home.node(name, &["ready", "sleep"]);
        write_config(&directory, &json!({"node_name": "x", "env": {"KEY": {"_envRef": "SECRET"}}}));
        write_dot_env(&directory, "SECRET=shared-4711\n");
        supervisor.client.must_start(&home, name).await;
    }
    supervisor.leave().await;
    let state: Value = serde_json::from_slice(&std::fs::read(home.state_file()).unwrap()).unwrap();
    let digest = |index: usize| state["nodes"][index]["process"]["fingerprint"]["environment"].clone();
    assert!(digest(0).is_string() && digest(1).is_string(), "{state}");
    assert_ne!(digest(0), digest(1));
    home.supervise().await.shut_down().await;
}

#[tokio::test]
async fn what_a_program_says_of_its_own_keeping_counts_for_it_and_only_other_limits_need_a_restart() {
    let home = Home::new();
    write_settings(&home, "[node.p]\nrestart = \"always\"\n");
    let directory = home.project().join(".anet/programs/p");
    std::fs::create_dir_all(&directory).unwrap();
    let write = |policy: Value| {
        write_config(&directory, &json!({ "command": ["sleep", "1000"], "tells_ready": false, "policy": policy }));
    };
    write(json!({ "stop-grace": "3s" }));
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let pid = client.must_start(&home, "p").await;
    let plan = async || planned(&client.get("/v1/plan").await);
    assert_eq!(plan().await, []);
    write(json!({ "stop-grace": "4s" }));
    assert_eq!(plan().await, [], "it holds at once");
    write(json!({ "restart": "never", "memory-high": "1G" }));
    assert_eq!(plan().await, [("p".to_owned(), json!(["limits"]))]);
    crate::harness::kill(pid);
    client.until_state("p", "stopped").await;
    supervisor.shut_down().await;
}
