//! The supervisor becomes another program, and nobody notices.

use std::io::Read as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Client, Home, eventually, kill, pid_of, starts, zoo_child};

/// Another program file with the same content, as an installer makes it.
fn installed(home: &Home) -> std::path::PathBuf {
    let path = home.project().join("zoo_child");
    std::fs::copy(zoo_child(), &path).unwrap();
    path
}

fn script(home: &Home, name: &str, text: &str) -> std::path::PathBuf {
    let path = home.project().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn until_younger(client: &Client, since: &Value) -> Value {
    eventually("the new program answers", async || {
        let status = client.try_get("/v1/status").await?;
        (status["since"] != *since || status["executable_is_current"] == json!(true)).then_some(status)
    })
    .await
}

/// Who answers at the hub's port.
fn hub_answers(port: u16) -> String {
    let mut text = String::new();
    TcpStream::connect(("127.0.0.1", port)).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn an_upgrade_keeps_every_process_every_socket_and_the_supervisors_number() {
    let home = Home::new();
    for name in ["a", "b"] {
        home.node(name, &["count", "ready", "sleep"]);
    }
    home.hub_behaviour(&["serve"]);
    let mut child = home.supervise_apart().await;
    let client = home.client();
    let (a, b) = (client.must_start(&home, "a").await, client.must_start(&home, "b").await);
    let (status, hub) =
        client.post("/v1/hub/start", json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")})).await;
    assert_eq!(status, 200, "{hub}");
    let url = hub["hub"]["url"].as_str().unwrap();
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let before = client.get("/v1/status").await;

    let new = installed(&home);
    let (status, answer) = client.post("/v1/upgrade", json!({"executable": new})).await;
    assert_eq!((status, &answer["to"]), (200, &json!("zoo")), "{answer}");
    // Whoever connects from now on waits for the new program instead of being refused.
    let after = eventually("the new program answers", async || {
        // A connection that the old program had taken breaks with it.
        let status = client.try_get("/v1/status").await?;
        (Path::new(status["executable"].as_str().unwrap()) == new).then_some(status)
    })
    .await;
    assert_eq!(after["pid"], before["pid"]);
    assert_eq!(after["hub"]["pid"], before["hub"]["pid"]);
    for (name, pid) in [("a", a), ("b", b)] {
        let node = client.node(name).await;
        assert_eq!((pid_of(&node), node["state"].as_str().unwrap()), (pid, "running"));
        assert_eq!(starts(&home.node_directory(name)), 1, "{name} was started again");
    }

    // The hub's port was never let go of: it answers while the hub is replaced.
    kill(i32::try_from(before["hub"]["pid"].as_i64().unwrap()).unwrap());
    assert_ne!(hub_answers(port), format!("{}\n", before["hub"]["pid"]));
    // What was taken over is watched: deaths are noticed.
    kill(a);
    client.until_replaced("a", a).await;
    // A second upgrade works as the first one did.
    let (status, answer) = client.post("/v1/upgrade", json!({"executable": zoo_child()})).await;
    assert_eq!(status, 200, "{answer}");
    eventually("the old program answers again", async || {
        let status = client.try_get("/v1/status").await?;
        (Path::new(status["executable"].as_str().unwrap()) == zoo_child()).then_some(())
    })
    .await;
    assert_eq!(pid_of(&client.node("b").await), b);
    let (status, answer) = client.post("/v1/shutdown", json!({"stop_children": true})).await;
    assert_eq!(status, 200, "{answer}");
    assert!(child.wait().await.unwrap().success());
    assert!(!home.path().join("run/supervisor.sock").exists());
}

#[tokio::test]
async fn a_hundred_clients_that_call_during_an_upgrade_wait_and_are_answered() {
    let home = Home::new();
    let mut child = home.supervise_apart().await;
    let client = home.client();
    let new = installed(&home);
    let (status, _) = client.post("/v1/upgrade", json!({"executable": new})).await;
    assert_eq!(status, 200);
    // The old program may have accepted some of them and not yet read what they ask; they are cut off, and told so
    // by the closed connection. Nobody is refused.
    let socket = home.path().join("run/supervisor.sock");
    let callers = (0..100).map(|_| {
        let (client, socket) = (client.clone(), socket.clone());
        async move {
            tokio::net::UnixStream::connect(&socket).await.unwrap();
            client.try_get("/v1/status").await.is_some()
        }
    });
    let answered = futures_util::future::join_all(callers).await.into_iter().filter(|answered| *answered).count();
    assert!(answered > 0);
    let status = eventually("the new program answers", async || {
        client.try_get("/v1/status").await.filter(|status| Path::new(status["executable"].as_str().unwrap()) == new)
    })
    .await;
    assert_eq!(status["pid"], child.id().unwrap());
    client.post("/v1/shutdown", json!({"stop_children": true})).await;
    child.wait().await.unwrap();
}

#[tokio::test]
async fn a_program_that_cannot_take_over_never_does() {
    let home = Home::new();
    home.node("a", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let pid = client.must_start(&home, "a").await;
    let before = client.get("/v1/status").await;
    let bad = [
        (home.project().join("absent"), "cannot be run"),
        (script(&home, "fails", "exit 3"), "exit status: 3"),
        (script(&home, "silent", "exit 0"), "is not understood"),
        (script(&home, "newer", r#"echo '{"version":"9.0.0","control_version":99}'"#), "control protocol 99"),
    ];
    for (executable, reason) in bad {
        let (status, answer) = client.post("/v1/upgrade", json!({"executable": executable})).await;
        assert_eq!((status, &answer["code"]), (422, &json!("upgrade_refused")), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{answer}");
    }
    let (status, answer) = client.post("/v1/upgrade", json!({"executable": "anet"})).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_input")));
    // A settings file that the next program would refuse to start with.
    std::fs::write(home.path().join("supervisor.toml"), "nonsense = 1\n").unwrap();
    let (status, answer) = client.post("/v1/upgrade", json!({})).await;
    assert_eq!((status, &answer["code"]), (422, &json!("config_invalid")), "{answer}");
    let after = client.get("/v1/status").await;
    assert_eq!((&after["pid"], &after["since"]), (&before["pid"], &before["since"]));
    assert_eq!(pid_of(&client.node("a").await), pid);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn where_the_state_cannot_be_written_nothing_is_upgraded_or_restarted_and_all_runs_on() {
    let home = Home::new();
    home.node("a", &["count", "ready", "sleep"]);
    home.hub_behaviour(&["serve"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let pid = client.must_start(&home, "a").await;
    let asked = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")});
    let (_, hub) = client.post("/v1/hub/start", asked).await;
    let before = client.get("/v1/status").await;
    let (state, aside) = (home.path().join("supervisor"), home.path().join("aside"));
    std::fs::rename(&state, &aside).unwrap();
    let good = script(&home, "good", r#"echo '{"version":"2","control_version":1}'"#);
    let (status, answer) = client.post("/v1/upgrade", json!({"executable": good})).await;
    assert_eq!((status, &answer["code"]), (422, &json!("upgrade_refused")), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("cannot write"), "{answer}");
    for path in ["/v1/nodes/a/restart", "/v1/hub/restart"] {
        let (status, answer) = client.post(path, json!({})).await;
        let text = answer["error"].as_str().unwrap();
        assert_eq!(status, 500, "{answer}");
        assert!(text.contains("runs on as it is: cannot write"), "{text}");
    }
    let after = client.get("/v1/status").await;
    assert_eq!((&after["instance"], &after["hub"]["pid"]), (&before["instance"], &hub["hub"]["pid"]));
    assert_eq!((pid_of(&client.node("a").await), starts(&home.node_directory("a"))), (pid, 1));
    std::fs::rename(&aside, &state).unwrap();
    let (status, answer) = client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_exec_that_fails_leaves_the_supervisor_as_it_was() {
    let home = Home::new();
    home.node("a", &["count", "ready", "sleep"]);
    let mut settings = home.settings();
    // The check passes and the program is gone at the last moment.
    let program = script(&home, "vanishes", r#"echo '{"version":"2","control_version":1}'"#);
    settings.failpoint = anet_supervisor::Failpoint::new({
        let program = program.clone();
        move |place| {
            if place == "before exec" {
                std::fs::remove_file(&program).unwrap();
            }
        }
    });
    let supervisor = home.supervise_with(settings).await;
    let client = supervisor.client.clone();
    let pid = client.must_start(&home, "a").await;
    let since = client.get("/v1/status").await["since"].clone();
    let (status, answer) = client.post("/v1/upgrade", json!({"executable": program})).await;
    assert_eq!(status, 200, "{answer}");
    until_younger(&client, &since).await;
    let node = client.until_state("a", "running").await;
    assert_eq!((pid_of(&node), starts(&home.node_directory("a"))), (pid, 1));
    supervisor.shut_down().await;
}
