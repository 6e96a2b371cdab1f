use std::sync::Arc;

use serde_json::json;
use sqlx::Connection as _;

use super::kit::{PASSWORD, SeededEntropy, TestHub};
use crate::HubError;
use crate::console::{Console, check_database};
use crate::events::recheck::Recheck;
use secrecy::ExposeSecret as _;

async fn console(hub: &TestHub) -> Console {
    let database = hub.directory.path().join("hub/commhub.db");
    let clock = Arc::clone(&hub.clock);
    Console::open(database, clock, SeededEntropy::new(99), "pid 1 uid 0".to_owned()).await.unwrap()
}

async fn login(hub: &TestHub, password: &str) -> super::kit::Reply {
    hub.post("", "/api/auth/login", json!({ "username": "alice", "password": password })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_beside_a_running_hub_counts_at_once_and_ends_open_streams() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut hers = hub.listen(&alice.token, "/events/alice", None).await;
    let nodes = hub.listen_as(&run, None).await;
    let mut recheck = Recheck::default();
    recheck.run(&hub.hub).await.unwrap();
    let console = console(&hub).await;
    let reset = console.reset_user("ALICE").await.unwrap();
    console.close().await;
    recheck.run(&hub.hub).await.unwrap();
    assert_eq!(hers.next_type().await, "end");
    hub.get(&alice.token, "/api/auth/me").await.refused(401, "invalid_token");
    hub.get(&run.token, "/api/auth/me").await.ok();
    assert_eq!(hub.hub.live().streams.count(), 1, "the node's stream stays open");
    drop(nodes);
    login(&hub, PASSWORD).await.refused(401, "invalid_credentials");
    let again = login(&hub, reset.password.expose_secret()).await.ok();
    assert_eq!(again["user"]["must_change_password"], true);
    let rows = hub.audit(&super::kit::Person { token: again["token"].as_str().unwrap().to_owned(), ..alice }).await;
    let row = rows.iter().find(|row| row["action"] == "password_reset_by_admin").unwrap();
    assert_eq!((&row["actor_kind"], &row["actor_id"]), (&json!("console"), &json!("pid 1 uid 0")));
    assert!(!row.to_string().contains(reset.password.expose_secret()));
}

#[tokio::test]
async fn the_console_lets_in_whom_guesses_have_slowed_down() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    for _ in 0..5 {
        login(&hub, "a wrong password").await.refused(401, "invalid_credentials");
    }
    login(&hub, PASSWORD).await.refused(429, "login_delayed");
    let console = console(&hub).await;
    console.unlock_user("alice").await.unwrap();
    login(&hub, PASSWORD).await.ok();
    assert!(matches!(console.unlock_user("nobody").await, Err(HubError::NoUser(name)) if name == "nobody"));
}

#[tokio::test]
async fn the_console_works_while_the_hub_is_down_and_makes_no_database() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    hub.hub.close().await;
    let reset = console(&hub).await.reset_user("alice").await.unwrap();
    assert!(reset.is_admin);
    let missing = hub.directory.path().join("nowhere/commhub.db");
    let clock = Arc::clone(&hub.clock);
    let opened = Console::open(missing.clone(), clock, SeededEntropy::new(1), String::new()).await;
    assert!(matches!(opened, Err(HubError::NoDatabase(_))));
    assert!(!missing.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_and_a_changed_audit_log_are_told_without_writing() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let _run = hub.running(&alice, "counter").await;
    let database = hub.directory.path().join("hub/commhub.db");
    let healthy = check_database(&database).await.unwrap();
    assert_eq!(healthy.damages, Vec::<String>::new());
    let (rows, problem) = healthy.audit.unwrap();
    assert!(rows > 0 && problem.is_none(), "{rows} {problem:?}");

    let missing = database.with_file_name("none.db");
    assert!(matches!(check_database(&missing).await, Err(HubError::NoDatabase(path)) if path == missing));
    assert!(!missing.exists(), "looking makes no database");
    std::fs::write(&missing, "this is no database at all, and never was").unwrap();
    assert!(check_database(&missing).await.is_err());

    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&database).foreign_keys(false);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("DELETE FROM networks").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let damaged = check_database(&database).await.unwrap();
    assert!(damaged.damages.iter().any(|line| line.contains("refers to a row of networks")), "{:?}", damaged.damages);
}
