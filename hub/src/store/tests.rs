//! The database under hostile conditions.

pub(crate) mod database;
mod questions;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anet_protocol::rest::{ErrorCode, MessageType};
use anet_protocol::time::Timestamp;
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::sync::oneshot;

use super::{NewMessage, Transaction};
use crate::audit::AuditEntry;
use crate::error::{HubError, Refusal};
use crate::tests::kit::{SeededEntropy, TestClock, TestHub};
use crate::{Hub, Settings};

pub(crate) use questions::{assert_counters_agree, audit_actions, contents, password_hash, set_role};

/// Lets the database grow by at most `pages`; `None` takes the limit away.
async fn limit_growth(hub: &TestHub, pages: Option<i64>) {
    hub.hub
        .write(async move |transaction| {
            let row = sqlx::query("PRAGMA page_count")
                .fetch_one(transaction.engine().await?)
                .await
                .map_err(super::StoreError::from)?;
            let limit = pages.map_or(i64::from(u32::MAX) - 1, |pages| row.get::<i64, _>(0) + pages);
            sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {limit}")))
                .execute(transaction.engine().await?)
                .await
                .map_err(super::StoreError::from)?;
            Ok(())
        })
        .await
        .unwrap();
}

async fn add_network_row(
    hub: &Hub,
    name: &'static str,
    end: impl FnOnce() -> Result<(), HubError> + Send + 'static,
) -> Result<(), HubError> {
    hub.write(async move |transaction| {
        sqlx::query("INSERT INTO event_floors (network_id, pruned_through) VALUES ($1, 0)")
            .bind(name)
            .execute(transaction.engine().await?)
            .await
            .map_err(super::StoreError::from)?;
        end()
    })
    .await
}

async fn rows(hub: &TestHub) -> Vec<String> {
    hub.hub
        .write(async |transaction| {
            let rows = sqlx::query("SELECT network_id FROM event_floors ORDER BY network_id")
                .fetch_all(transaction.engine().await?)
                .await
                .map_err(super::StoreError::from)?;
            Ok(rows.iter().map(|row| row.get("network_id")).collect())
        })
        .await
        .unwrap()
}

/// Makes changes in one transaction; tells of each whether it was stored.
async fn write_together<const N: usize>(
    hub: &TestHub,
    changes: [BoxFuture<'static, Result<(), HubError>>; N],
) -> [Option<Result<(), HubError>>; N] {
    // Holds the writer until all others wait, so that they share a transaction.
    let (go, wait) = oneshot::channel::<()>();
    let gate = hub.hub.write(async move |_| {
        wait.await.unwrap();
        Ok(())
    });
    let changes = join_all(changes.map(tokio::spawn));
    let release = async {
        // One turn of the loop for each job to be queued.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
    };
    let (gate, ended, ()) = tokio::join!(gate, changes, release);
    gate.unwrap();
    let mut ended = ended.into_iter().map(Result::ok);
    std::array::from_fn(|_| ended.next().unwrap())
}

fn adding(hub: &TestHub, name: &'static str) -> BoxFuture<'static, Result<(), HubError>> {
    adding_then(hub, name, || Ok(()))
}

fn adding_then(
    hub: &TestHub,
    name: &'static str,
    end: impl FnOnce() -> Result<(), HubError> + Send + 'static,
) -> BoxFuture<'static, Result<(), HubError>> {
    let hub = hub.hub.clone();
    Box::pin(async move { add_network_row(&hub, name, end).await })
}

#[tokio::test]
async fn a_job_that_fails_or_panics_does_not_hurt_its_neighbours() {
    let hub = TestHub::open().await;
    let refuse = || Err(Refusal::new(ErrorCode::NotFound, "no").into());
    let changes = [
        adding(&hub, "a"),
        adding_then(&hub, "b", refuse),
        adding_then(&hub, "c", || panic!("on purpose")),
        adding(&hub, "d"),
    ];
    let ended = write_together(&hub, changes).await.map(|job| job.is_some_and(|job| job.is_ok()));
    assert_eq!(ended, [true, false, false, true]);
    assert_eq!(rows(&hub).await, ["a", "d"]);
}

/// A line of the audit log: a change that gives no answer.
fn note(action: &'static str) -> AuditEntry {
    AuditEntry::anonymous(None, action, Timestamp::from_millis(0))
}

#[tokio::test]
async fn a_change_that_fails_only_when_it_is_sent_refuses_its_own_job() {
    let hub = TestHub::open().await;
    let writing = hub.hub.clone();
    let of_no_network = Box::pin(async move {
        let write = async |transaction: &mut dyn Transaction| {
            transaction.insert_audit(&note("unstored")).await?;
            let message = NewMessage {
                message_id: &"m_1".to_owned().into(),
                network_id: &"n_none".to_owned().into(),
                kind: MessageType::Message,
                from_name: "a",
                to_name: "b",
                content: None,
                task_id: None,
                created_at: Timestamp::from_millis(0),
            };
            Ok(transaction.insert_message(&message).await?)
        };
        writing.write(write).await
    });
    let [before, failed, after] = write_together(&hub, [adding(&hub, "a"), of_no_network, adding(&hub, "d")]).await;
    let failed = failed.unwrap();
    assert!(matches!(failed, Err(HubError::Store(super::StoreError::Fault { .. }))), "{failed:?}");
    assert!(before.unwrap().is_ok() && after.unwrap().is_ok());
    assert_eq!(rows(&hub).await, ["a", "d"]);
    assert!(audit_actions(&hub).await.is_empty());
}

#[tokio::test]
async fn a_job_sees_its_own_changes_and_leaves_none_when_it_is_refused() {
    let hub = TestHub::open().await;
    let refused: Result<(), HubError> = hub
        .hub
        .write(async |transaction| {
            // More than are put off together.
            for _ in 0..20 {
                transaction.insert_audit(&note("unstored")).await?;
            }
            let count = sqlx::query("SELECT COUNT(*) FROM audit_log")
                .fetch_one(transaction.engine().await?)
                .await
                .map_err(super::StoreError::from)?;
            assert_eq!(count.get::<i64, _>(0), 20);
            transaction.insert_audit(&note("unstored")).await?;
            Err(Refusal::new(ErrorCode::NotFound, "no").into())
        })
        .await;
    assert!(refused.is_err());
    assert!(audit_actions(&hub).await.is_empty());
}

#[tokio::test]
async fn tasks_that_are_removed_are_no_longer_counted() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    for text in ["claimed", "removed", "stays"] {
        hub.task(&alice.token, "counter", text).await;
    }
    hub.claim(&run, 1).await;
    hub.hub
        .write(async |transaction| {
            sqlx::query("DELETE FROM tasks WHERE content <> 'stays'")
                .execute(transaction.engine().await?)
                .await
                .map_err(super::StoreError::from)?;
            Ok(())
        })
        .await
        .unwrap();
    assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn a_full_disk_refuses_the_task_whole_and_work_goes_on_when_there_is_space() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    limit_growth(&hub, Some(20)).await;
    let body = json!({ "alias": "counter", "task": "x".repeat(10_000) });
    let mut stored = 0;
    let refused = loop {
        let reply = hub.post(&alice.token, "/api/task", body.clone()).await;
        if reply.status != 200 {
            break reply;
        }
        stored += 1;
        assert!(stored < 100, "the disk does not get full");
    };
    assert_eq!(refused.headers["retry-after"], "1");
    refused.refused(503, "storage_unavailable");
    let list = hub.get(&alice.token, "/api/tasks").await.ok();
    assert_eq!((&list["count"], &list["stats"][0]["count"]), (&json!(stored), &json!(stored)));
    let events = hub.get(&alice.token, "/api/task_events").await.ok();
    assert_eq!(events["count"], json!(stored));
    assert_eq!(hub.get(&alice.token, "/api/messages").await.ok()["messages"].as_array().unwrap().len(), stored);
    limit_growth(&hub, None).await;
    hub.post(&alice.token, "/api/task", body).await.ok();
    assert_eq!(hub.claim(&run, 100).await.len(), stored + 1);
    assert_counters_agree(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_on_a_full_disk_each_is_stored_or_refused() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    limit_growth(&hub, Some(30)).await;
    let body = json!({ "alias": "counter", "task": "x".repeat(10_000) });
    let replies = join_all((0..64).map(|_| hub.post(&alice.token, "/api/task", body.clone()))).await;
    let stored = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.status == 503));
    assert!(stored < 64, "the disk does not get full");
    assert_eq!(hub.get(&alice.token, "/api/tasks?limit=200").await.ok()["count"], json!(stored));
    assert_counters_agree(&hub).await;
}

#[tokio::test]
async fn a_locked_database_refuses_the_task_and_work_goes_on_afterwards() {
    let hub = TestHub::open_with(|settings| settings.busy_timeout = Duration::from_millis(50)).await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let options = SqliteConnectOptions::new().filename(hub.directory.path().join("hub/commhub.db"));
    let mut shell = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut shell).await.unwrap();
    let body = json!({ "alias": "counter", "task": "x" });
    hub.post(&alice.token, "/api/task", body.clone()).await.refused(503, "storage_unavailable");
    assert_eq!(hub.get(&alice.token, "/api/tasks").await.ok()["count"], 0, "reading goes on");
    sqlx::query("ROLLBACK").execute(&mut shell).await.unwrap();
    hub.post(&alice.token, "/api/task", body).await.ok();
}

#[tokio::test]
async fn a_second_hub_is_told_who_holds_the_database() {
    let hub = TestHub::open().await;
    let settings = hub.hub.settings().clone();
    let opened = Hub::open(settings.clone(), TestClock::new(), SeededEntropy::new(3)).await;
    let Err(HubError::DatabaseInUse { path, holder }) = opened else { panic!("a second hub was let in") };
    assert_eq!(path, settings.database);
    let program = std::env::current_exe().unwrap();
    assert_eq!(holder, format!("pid {} ({})", std::process::id(), program.display()));
    let hub = hub.restart().await;
    hub.get("", "/health").await.ok();
}

#[tokio::test]
async fn the_database_is_for_its_owner_alone() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let directory = hub.directory.path().join("hub");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn the_database_holds_neither_tokens_nor_passwords() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.node(&alice, "counter").await;
    let directory = hub.directory.path().join("hub");
    let secrets = [&alice.token, &alice.network_token, &run.token, crate::tests::kit::PASSWORD];
    for entry in std::fs::read_dir(&directory).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_password_is_stored_as_argon2id_with_a_salt_of_its_own() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    hub.person("bob").await;
    let hashes: Vec<String> = hub
        .hub
        .write(async |transaction| {
            let rows = sqlx::query("SELECT password_hash FROM users")
                .fetch_all(transaction.engine().await?)
                .await
                .map_err(super::StoreError::from)?;
            Ok(rows.iter().map(|row| row.get("password_hash")).collect())
        })
        .await
        .unwrap();
    assert_ne!(hashes[0], hashes[1], "the same password, another salt");
    assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{hashes:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_hub_is_refused() {
    let hub = TestHub::open().await;
    let settings: Settings = hub.hub.settings().clone();
    hub.hub
        .write(async |transaction| {
            sqlx::query(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (999, 'later', true, x'00', 0)",
            )
            .execute(transaction.engine().await?)
            .await
            .map_err(super::StoreError::from)?;
            Ok(())
        })
        .await
        .unwrap();
    hub.hub.close().await;
    let TestHub { hub: closed, directory, .. } = hub;
    drop(closed);
    assert!(Hub::open(settings, TestClock::new(), SeededEntropy::new(3)).await.is_err());
    drop(directory);
}
