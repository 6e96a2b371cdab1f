use anet_protocol::control::{Reference, ValueSource};

use super::*;
use crate::secret_error::SecretError;

#[tokio::test]
async fn only_a_401_makes_a_token_one_to_renew() {
    let mut scene = Scene::new();
    let config =
        json!({ "node_name": "a", "node_id": "n_1", "network_id": "net_1", "token": node_token(), "command": ["cat"] });
    scene.node(&scene.project(), "a", &config);
    let answer = health(VERSION, "v3").replace("user-token", "none");
    for (status, expected) in [
        (401, Some((Severity::Error, true))),
        (403, Some((Severity::Error, false))),
        (429, None),
        (500, None),
        (503, None),
    ] {
        let answers = [("/health", 200, answer.as_str()), ("/api/auth/me", status, "{\"error\":\"no\"}")];
        scene.patient.hub = Some(serve(&answers, None).await);
        let found = scene.bad("node_token").await;
        let found = found.first().map(|(severity, _, is_repairable)| (*severity, *is_repairable));
        assert_eq!(found, expected, "{status}");
    }
}

#[tokio::test]
async fn two_projects_with_a_node_of_one_name_in_one_network_are_told() {
    let mut scene = Scene::new();
    let other = scene.directory.path().join("other");
    let config = |id: &str, network: &str| json!({ "node_name": "a", "node_id": id, "network_id": network });
    scene.node(&scene.project(), "a", &config("n_1", "net_1"));
    scene.node(&other, "a", &config("n_2", "net_1"));
    let known = |project: &Path| {
        json!({
            "name": "a", "node_id": null, "runtime": null, "state": "stopped", "pid": null, "project": project,
            "desired": "stopped", "link": null, "work": null, "restarts": 0, "config_error": null,
            "process": { "state": "stopped", "since": "2027-01-15 07:00:00" },
        })
    };
    let nodes = json!([known(&scene.project()), known(&other)]);
    scene.supervised(&nodes);
    let (severity, seen, _) = scene.one("duplicates").await;
    assert!(severity == Severity::Error && seen.contains("other/.anet/nodes/a"), "{seen}");

    scene.node(&other, "a", &config("n_2", "net_2"));
    assert_eq!(scene.bad("duplicates").await, [], "in two networks they do not meet");
    scene.node(&other, "a", &config("n_1", "net_2"));
    assert!(scene.one("duplicates").await.1.contains("the identity n_1"), "a copy is one wherever it points");
}

#[tokio::test]
async fn a_hub_of_a_nodes_own_that_is_gone_is_told_and_one_that_answers_is_nobodys_business() {
    let mut scene = Scene::new();
    let answer = health(VERSION, "v3");
    let answers = [("/health", 200, answer.as_str()), ("/api/auth/me", 401, "{\"error\":\"no\"}")];
    scene.patient.hub = Some(serve(&answers, None).await);
    let own = serve(&answers, None).await;
    let config = |hub: &str| json!({ "node_name": "a", "node_id": "n_1", "token": node_token(), "hub": hub });
    scene.node(&scene.project(), "a", &config(&own));
    assert_eq!(scene.bad("node_hub").await, []);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    scene.node(&scene.project(), "a", &config(&format!("http://{gone}")));
    let (severity, _, is_repairable) = scene.one("node_hub").await;
    assert_eq!((severity, is_repairable), (Severity::Warning, false), "no hub is known to take its token");
}

#[tokio::test]
async fn two_codex_nodes_with_one_login_are_told_and_two_with_their_own_are_not() {
    let scene = Scene::new();
    let config = |id: &str, env: Value| json!({ "node_name": id, "node_id": id, "runtime": "codex-sdk", "env": env });
    scene.node(&scene.project(), "a", &config("n_1", json!({})));
    scene.node(&scene.project(), "b", &config("n_2", json!({})));
    assert!(scene.one("shared_login").await.1.contains("shares its login with a"));
    scene.node(&scene.project(), "b", &config("n_2", json!({ "CODEX_HOME": "/b" })));
    assert_eq!(scene.bad("shared_login").await, []);
}

#[tokio::test]
async fn a_key_in_the_open_is_named_and_never_shown() {
    let scene = Scene::new();
    let config = json!({ "node_name": "a", "env": { "X_KEY": "sk-canary", "MODEL": "m" } });
    scene.node(&scene.project(), "a", &config);
    assert_eq!(scene.one("plain_secrets").await.1, "in its `env`: X_KEY");
    let everything = serde_json::to_string(&examine(&scene.patient).await).unwrap();
    assert!(!everything.contains("canary"), "{everything}");
}

#[tokio::test]
async fn a_broken_configuration_is_named_with_line_and_column() {
    let scene = Scene::new();
    let directory = scene.node(&scene.project(), "a", &json!({}));
    write(&directory.join("config.json"), "{\n  \"a\": 1,\n  oops\n}");
    let (severity, seen, _) = scene.one("node_config").await;
    assert!(severity == Severity::Error && seen.contains("line 3 column 3"), "{seen}");
    write(&directory.join("config.json"), r#"{"max_concurrent":0}"#);
    assert!(scene.one("node_config").await.1.contains("max_concurrent"));
    write(&directory.join("config.json"), "[]");
    assert!(scene.one("node_config").await.1.contains("not one JSON object"));
}

#[tokio::test]
async fn what_a_reference_stands_for_is_what_the_supervisor_says_and_not_what_this_shell_has() {
    let mut scene = Scene::new();
    let config = json!({ "node_name": "a", "node_id": "n_1", "env": { "KEY": { "_envRef": "KEY_N_1" } } });
    scene.node(&scene.project(), "a", &config);
    let nodes = [("a".to_owned(), scene.project())];
    assert_eq!(referring_nodes(&scene.patient), nodes);
    let (severity, seen, _) = scene.one("env_file").await;
    assert!(severity == Severity::Error && seen.starts_with("KEY refers to KEY_N_1"), "{seen}");
    scene.patient.environment.push(("KEY_N_1".into(), "of this shell".into()));
    let found = |source| Ok(vec![Reference { name: "KEY_N_1".to_owned(), source }]);
    let closed = Err(SecretError { error: "closed".to_owned(), hint: None });
    for (answer, expected) in [
        (found(Some(ValueSource::Environment)), Some("only the environment of the supervisor")),
        (found(Some(ValueSource::Credential)), None),
        (found(None), Some("KEY refers to KEY_N_1, which has no value")),
        (closed, Some("closed")),
    ] {
        scene.patient.references = vec![ReferenceSight { name: "a".to_owned(), project: scene.project(), answer }];
        let bad = scene.bad("env_file").await;
        let is_expected = match expected {
            None => bad.is_empty(),
            Some(words) => bad.len() == 1 && bad[0].1.starts_with(words),
        };
        assert!(is_expected, "{expected:?}: {bad:?}");
    }
}

#[tokio::test]
async fn an_identity_that_only_the_hub_knows_is_not_guessed_while_the_hub_is_silent() {
    let mut scene = Scene::new();
    scene.node(&scene.project(), "a", &json!({ "node_name": "a", "token": node_token() }));
    let (severity, seen, is_repairable) = scene.one("node_id").await;
    assert!(severity == Severity::Warning && !is_repairable && seen.contains("cannot be asked"), "{seen}");
    let answer = health(VERSION, "v3").replace("user-token", "none");
    let me = json!({
        "ok": true, "user": { "user_id": "u_1", "username": "ada", "role": "user" }, "networks": [],
        "current_network": "net_1",
        "credential": { "kind": "node", "scope": "network", "token_id": "t_1", "node_id": "n_other" },
    })
    .to_string();
    let answers = [("/health", 200, answer.as_str()), ("/api/auth/me", 200, me.as_str())];
    scene.patient.hub = Some(serve(&answers, None).await);
    let (_, seen, is_repairable) = scene.one("node_id").await;
    assert!(is_repairable && seen.contains("n_other is the one of its token"), "{seen}");
    assert_eq!(scene.bad("node_token").await, [], "that is told once");
    scene.node(&scene.project(), "original", &json!({ "node_name": "original", "node_id": "n_other" }));
    let (_, seen, is_repairable) = scene.one("node_id").await;
    assert!(!is_repairable && seen.contains("nodes/original"), "a copy does not become its original: {seen}");
}
