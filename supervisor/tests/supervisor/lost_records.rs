//! The state files are lost while things run: they are found by their marks, and nothing is started twice.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::{Client, Home, System, eventually, is_alive, kill, pid_in, pid_of, starts, write_config};

const PROGRAM: &str = "exec sleep 1000";

/// What is left of the two state files.
#[derive(Clone, Copy, Debug)]
enum Lost {
    Removed,
    CutOff,
    /// The last second before the end is missing.
    Outdated,
}

fn lose_records(home: &Home, lost: Lost) {
    for name in ["state.json", "state-latest.json"] {
        let path = home.path().join("supervisor").join(name);
        match lost {
            Lost::Removed => std::fs::remove_file(path).unwrap(),
            Lost::CutOff => std::fs::write(path, "{\"version\":1,\"nodes\":[{").unwrap(),
            Lost::Outdated if name == "state.json" => {
                let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                for node in state["nodes"].as_array_mut().unwrap() {
                    node["process"] = Value::Null;
                }
                state["nodes"].as_array_mut().unwrap().truncate(1);
                state["hub"]["process"] = Value::Null;
                std::fs::write(path, state.to_string()).unwrap();
            }
            Lost::Outdated => std::fs::write(path, "").unwrap(),
        }
    }
}

/// A node, a program and the hub, each running; their process ids.
async fn start_one_of_each(home: &Home, client: &Client) -> [i32; 3] {
    home.node("a", &["helper session", "count", "ready", "heartbeat X_ANET_LINK=connected WATCHDOG=1"]);
    let directory = home.project().join(".anet/programs/p");
    std::fs::create_dir_all(&directory).unwrap();
    write_config(&directory, &json!({"command": ["sh", "-c", PROGRAM]}));
    home.hub_behaviour(&["serve"]);
    let asked = json!({
        "listen": "127.0.0.1:0", "database": home.path().join("hub.db"), "variables": {"ANET_LOGIN_ATTEMPTS": "7"}
    });
    let (status, hub) = client.post("/v1/hub/start", asked).await;
    assert_eq!(status, 200, "{hub}");
    [client.must_start(home, "a").await, client.must_start(home, "p").await, pid_of(&hub["hub"])]
}

#[tokio::test]
async fn what_runs_is_taken_over_and_not_started_twice_when_both_state_files_are_lost() {
    for lost in [Lost::Removed, Lost::CutOff, Lost::Outdated] {
        let home = Home::new();
        let mut first = home.supervise_apart().await;
        let client = home.client();
        let pids = start_one_of_each(&home, &client).await;
        let before = client.get("/v1/hub").await;
        first.kill().await.unwrap();
        lose_records(&home, lost);

        let mut settings = home.settings();
        // The hub of this test does not say again that it is ready.
        settings.policies.defaults.depends_on_hub = false;
        let supervisor = home.supervise_with(settings).await;
        for (name, pid) in ["a", "p"].into_iter().zip(pids) {
            let node = client.node(name).await;
            assert_eq!((pid_of(&node), &node["desired"]), (pid, &json!("running")), "{lost:?}: {node}");
            assert_eq!(client.must_start(&home, name).await, pid, "{lost:?}: {name} was started twice");
        }
        assert_eq!(client.node("p").await["state"], "running", "{lost:?}");
        assert_eq!(starts(&home.node_directory("a")), 1, "{lost:?}");
        let hub = client.get("/v1/hub").await;
        assert_eq!((pid_of(&hub), &hub["url"]), (pids[2], &before["url"]), "{lost:?}: {hub}");
        // Its settings are known: of these only the database is another.
        let other = json!({
            "listen": before["url"].as_str().unwrap().strip_prefix("http://").unwrap(),
            "database": home.path().join("other.db"), "variables": {"ANET_LOGIN_ATTEMPTS": "7"}
        });
        let (status, refusal) = client.post("/v1/hub/start", other).await;
        let text = refusal["error"].as_str().unwrap();
        assert_eq!((status, text.matches("asked for was").count()), (409, 1), "{lost:?}: {text}");
        // Watched: a death is noticed, and replaced.
        kill(pids[1]);
        client.until_replaced("p", pids[1]).await;
        supervisor.shut_down().await;
        assert!(pids.iter().all(|pid| !is_alive(*pid)), "{lost:?}");
    }
}

#[tokio::test]
async fn what_a_dead_start_left_behind_is_swept_and_not_taken_for_the_node() {
    let home = Home::new();
    let directory = home.node("a", &["helper daemon", "count", "ready", "sleep"]);
    let mut first = home.supervise_apart().await;
    let client = home.client();
    let pid = client.must_start(&home, "a").await;
    let helper = pid_in(&directory.join("helper-daemon"));
    first.kill().await.unwrap();
    kill(pid);
    eventually("the node is dead", async || (!is_alive(pid)).then_some(())).await;
    std::fs::remove_file(directory.join("helper-daemon")).unwrap();
    lose_records(&home, Lost::CutOff);
    let supervisor = home.supervise().await;
    client.until_replaced("a", pid).await;
    assert!(!is_alive(helper), "the dead process's helper survived");
    assert_eq!(starts(&directory), 2);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn another_homes_processes_are_left_to_it() {
    let (home, other) = (Home::new(), Home::new());
    other.node("a", &["ready", "sleep"]);
    let theirs = other.supervise().await;
    let pid = theirs.client.must_start(&other, "a").await;
    let supervisor = home.supervise().await;
    assert_eq!(supervisor.client.get("/v1/nodes").await["nodes"], json!([]));
    supervisor.shut_down().await;
    assert!(is_alive(pid));
    theirs.shut_down().await;
}

#[tokio::test]
async fn what_runs_without_any_record_is_ended_without_a_supervisor_too() {
    for lost in [Lost::Removed, Lost::CutOff] {
        let home = Home::new();
        let mut first = home.supervise_apart().await;
        let client = home.client();
        let pids = start_one_of_each(&home, &client).await;
        first.kill().await.unwrap();
        lose_records(&home, lost);
        let now = anet_protocol::Clock::now(&System);
        let recorded = anet_supervisor::recorded(&home.path(), now).unwrap();
        let mut found: Vec<_> = recorded.into_iter().map(|one| (one.name, one.pid.map(u32::cast_signed))).collect();
        found.sort();
        let [a, p, hub] = pids.map(Some);
        assert_eq!(found, [("a".to_owned(), a), ("hub".to_owned(), hub), ("p".to_owned(), p)], "{lost:?}");
        let ended = anet_supervisor::end_leftovers(&home.path(), now).await.unwrap();
        assert_eq!((ended.stopped.len(), ended.survivors.len()), (3, 0), "{lost:?}: {ended:?}");
        assert!(home.processes().is_empty(), "{lost:?}");
    }
}

#[tokio::test]
async fn a_hub_that_was_taken_over_is_restarted_without_refusing_a_connection() {
    let home = Home::new();
    home.hub_behaviour(&["serve"]);
    let mut first = home.supervise_apart().await;
    let client = home.client();
    let asked = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")});
    let (_, hub) = client.post("/v1/hub/start", asked).await;
    let address = hub["hub"]["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    first.kill().await.unwrap();
    let supervisor = home.supervise().await;
    home.hub_behaviour(&["wait-for go", "serve"]);
    let restart = tokio::spawn({
        let client = client.clone();
        async move { client.post("/v1/hub/restart", json!({})).await }
    });
    eventually("the replacement is starting", async || {
        let hub = client.get("/v1/hub").await;
        assert!(TcpStream::connect(&address).is_ok(), "a connection was refused");
        (hub["state"] == "starting").then_some(())
    })
    .await;
    std::fs::write(home.path().join("server/go"), "").unwrap();
    assert_eq!(restart.await.unwrap().0, 200);
    supervisor.shut_down().await;
}
