//! One supervisor per home, and nobody else at its socket.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use anet_supervisor::{SupervisorError, run};
use futures_util::future::join_all;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{Home, System};

#[tokio::test]
async fn of_many_that_start_at_once_one_wins_and_the_others_are_told() {
    let home = Home::new();
    let stop = CancellationToken::new();
    let runs = (0..16).map(|_| {
        let (settings, stop) = (home.settings(), stop.clone());
        tokio::spawn(run(settings, Arc::new(System), Arc::new(System), stop, || {}))
    });
    let stopper = async {
        crate::harness::eventually("it answers", async || home.client().try_get("/v1/status").await).await;
        stop.cancel();
    };
    let (outcomes, ()) = tokio::join!(join_all(runs), stopper);
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let lost = |outcome: &&Result<(), SupervisorError>| matches!(outcome, Err(SupervisorError::AlreadyRunning { .. }));
    // One may win after another has left; two at a time would show as a failed bind or a stolen socket.
    assert!(outcomes.iter().any(Result::is_ok), "{outcomes:?}");
    assert!(outcomes.iter().filter(|outcome| outcome.is_err()).all(|outcome| lost(&outcome)), "{outcomes:?}");
}

#[tokio::test]
async fn socket_lock_and_directories_are_for_the_owner_alone() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("run")).unwrap();
    std::fs::set_permissions(home.path().join("run"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let supervisor = home.supervise().await;
    let mode = |path: &str| std::fs::metadata(home.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["", "run", "supervisor"].map(mode), [0o700; 3]);
    assert_eq!(["run/supervisor.sock", "run/notify.sock", "run/supervisor.lock"].map(mode), [0o600; 3]);
    let lock = std::fs::read_to_string(home.path().join("run/supervisor.lock")).unwrap();
    assert_eq!(lock.trim(), std::process::id().to_string());
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_oversized_or_broken_request_is_refused_and_others_are_served() {
    let home = Home::new();
    let supervisor = home.supervise().await;
    let (status, error) =
        supervisor.client.post("/v1/nodes/a/start", json!({"project": "x".repeat(2 * 1024 * 1024)})).await;
    assert_eq!((status, &error["code"]), (400, &json!("invalid_input")));
    let mut rubbish = tokio::net::UnixStream::connect(home.path().join("run/supervisor.sock")).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut rubbish, b"\x00\x01\x02 not http\r\n\r\n").await.unwrap();
    assert_eq!(supervisor.client.get("/v1/status").await["version"], "test");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn three_hundred_silent_connections_and_a_slow_one_keep_nobody_waiting_for_ever() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let home = Home::new();
    let supervisor = home.supervise().await;
    let socket = home.path().join("run/supervisor.sock");
    let mut slow = tokio::net::UnixStream::connect(&socket).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(tokio::net::UnixStream::connect(&socket).await.unwrap());
    }
    // One byte at a time is dropped like silence; the answer, if any, says that it took too long.
    let drip = tokio::spawn(async move {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
        for byte in b"GET /v1/status HTTP/1.1\r\nhost: x\r\nx-slow: ".iter().chain(std::iter::repeat(&b'a')) {
            tick.tick().await;
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.ok();
        String::from_utf8_lossy(&rest).into_owned()
    });
    assert_eq!(supervisor.client.get("/v1/status").await["version"], "test");
    let answer = drip.await.unwrap();
    assert!(!answer.contains("200 OK"), "{answer}");
    // Places that hang do not keep the supervisor from leaving.
    for _ in 0..300 {
        silent.push(tokio::net::UnixStream::connect(&socket).await.unwrap());
    }
    supervisor.stop.cancel();
    supervisor.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn of_257_connections_the_last_waits_until_another_one_ends() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let home = Home::new();
    let supervisor = home.supervise().await;
    let socket = home.path().join("run/supervisor.sock");
    let connect = async || tokio::net::UnixStream::connect(&socket).await.unwrap();
    let ask = async |stream: &mut tokio::net::UnixStream, path: &str| {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    };
    // Each stream of events holds its place; the answer's first byte says that it has one.
    let mut followers = Vec::new();
    for _ in 0..255 {
        let mut follower = connect().await;
        ask(&mut follower, "/v1/events?follow=true").await;
        assert_eq!(follower.read_u8().await.unwrap(), b'H');
        followers.push(follower);
    }
    let mut served = connect().await;
    let mut answer = vec![0; 64 * 1024];
    let mut round = async |served: &mut tokio::net::UnixStream| {
        ask(served, "/v1/status").await;
        assert!(served.read(&mut answer).await.unwrap() > 0);
    };
    round(&mut served).await;
    let mut waiting = connect().await;
    ask(&mut waiting, "/v1/status").await;
    // Time enough for an answer, had it a place.
    for _ in 0..50 {
        round(&mut served).await;
    }
    let early = waiting.try_read(&mut [0; 1]);
    assert_eq!(early.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "257 are served at once");
    drop(followers.pop());
    assert_eq!(waiting.read_u8().await.unwrap(), b'H');
    drop((followers, served, waiting));
    supervisor.stop.cancel();
    supervisor.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn every_combination_of_what_a_power_cut_leaves_is_started_from() {
    for left in 0..16_u8 {
        let has = |bit: u8| left & (1 << bit) != 0;
        let home = Home::new();
        home.node("a", &["count", "ready", "sleep"]);
        let (run, state) = (home.path().join("run"), home.state_file());
        std::fs::create_dir_all(&run).unwrap();
        std::fs::create_dir_all(state.parent().unwrap()).unwrap();
        if has(0) {
            drop(std::os::unix::net::UnixListener::bind(run.join("supervisor.sock")).unwrap());
        }
        // A number that is another process's by now: this one's, with another start time.
        let process = has(1).then(|| {
            json!({"instance": "i_00000000000000aa", "started_at": "2026-11-22 05:43:55", "ready_at": null, "stderr_from": 0,
                "boot_id": std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim(),
                "leader": {"pid": std::process::id(), "start_time": 1}})
        });
        if has(2) {
            let node = json!({"name": "a", "project": home.project(), "desired": "running", "process": process});
            let text = json!({"version": 1, "executable": "/gone", "hub": null, "nodes": [node]}).to_string();
            std::fs::write(&state, text).unwrap();
        } else if has(1) {
            std::fs::write(&state, "{\"version\":1,\"exec").unwrap();
        }
        if has(3) {
            std::fs::write(state.with_file_name(".state-AbCdEf"), "{\"ver").unwrap();
        }
        let supervisor = home.supervise().await;
        supervisor.client.must_start(&home, "a").await;
        assert_eq!(home.copies("a"), 1, "{left:04b}");
        assert!(!state.with_file_name(".state-AbCdEf").exists(), "{left:04b}");
        supervisor.shut_down().await;
    }
}

#[tokio::test]
async fn what_was_stopped_on_purpose_stays_stopped_after_a_reboot_and_what_ran_runs_again() {
    let home = Home::new();
    for name in ["runs", "rests"] {
        home.node(name, &["count", "ready", "sleep"]);
    }
    home.hub_behaviour(&["serve"]);
    let supervisor = home.supervise().await;
    let client = supervisor.client.clone();
    client.must_start(&home, "runs").await;
    client.must_start(&home, "rests").await;
    client.stop("rests").await;
    let hub = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")});
    assert_eq!(client.post("/v1/hub/start", hub).await.0, 200);
    assert_eq!(client.post("/v1/hub/stop", json!({})).await.0, 200);
    supervisor.shut_down().await;
    // A reboot: every number of the boot before means nothing any more.
    let state = std::fs::read_to_string(home.state_file()).unwrap();
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    std::fs::write(home.state_file(), state.replace(boot_id.trim(), "00000000-0000-0000-0000-000000000000")).unwrap();
    let supervisor = home.supervise().await;
    client.until_state("runs", "running").await;
    assert_eq!(client.node("rests").await["state"], "stopped");
    assert_eq!(client.get("/v1/hub").await["state"], "stopped");
    assert_eq!((home.copies("runs"), home.copies("rests")), (1, 0));
    supervisor.shut_down().await;
}
