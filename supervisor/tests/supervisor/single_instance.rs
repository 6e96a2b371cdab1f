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
