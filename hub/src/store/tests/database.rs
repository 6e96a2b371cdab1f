//! What somebody sees and does who has the database file, and what must hold in it.

use anet_protocol::rest::AuditRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::audit::{AuditEntry, hash};
use crate::tests::kit::TestHub;

/// A connection of its own, as a shell on the hub's host has one.
async fn shell(hub: &TestHub) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(&hub.hub.settings().database).foreign_keys(false);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn texts(shell: &mut SqliteConnection, query: String) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(shell).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn tables(shell: &mut SqliteConnection) -> Vec<String> {
    texts(shell, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'".to_owned()).await
}

async fn columns(shell: &mut SqliteConnection, table: &str) -> Vec<String> {
    texts(shell, format!("SELECT name FROM pragma_table_info('{table}')")).await
}

/// Every row of every table, with the table's name in front.
pub(crate) async fn every_row(hub: &TestHub) -> Vec<String> {
    let mut shell = shell(hub).await;
    let mut dump = Vec::new();
    for table in tables(&mut shell).await {
        let values: Vec<_> = columns(&mut shell, &table).await.iter().map(|name| format!("quote({name})")).collect();
        dump.extend(
            texts(&mut shell, format!("SELECT '{table}: ' || {} FROM {table}", values.join(" || ', ' || "))).await,
        );
    }
    dump
}

/// Every reference leads somewhere, and nothing is left of a network that is no more, but its lines of the audit log.
pub(crate) async fn assert_no_orphans(hub: &TestHub) {
    let mut shell = shell(hub).await;
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut shell).await.unwrap();
    assert!(broken.is_empty(), "{} references lead nowhere", broken.len());
    for table in tables(&mut shell).await.into_iter().filter(|table| !table.starts_with("audit_")) {
        if columns(&mut shell, &table).await.iter().any(|name| name == "network_id") {
            let query = format!(
                "SELECT network_id FROM {table} WHERE network_id IS NOT NULL
                 AND network_id NOT IN (SELECT network_id FROM networks)"
            );
            let orphans = texts(&mut shell, query).await;
            assert!(orphans.is_empty(), "{table} has rows of networks that are no more: {orphans:?}");
        }
    }
}

/// Every network has one owner among its members, and the network says that it is that one.
pub(crate) async fn assert_one_owner_each(hub: &TestHub) {
    let mut shell = shell(hub).await;
    let query = "SELECT n.network_id FROM networks n
                 WHERE (SELECT COUNT(*) FROM network_members m WHERE m.network_id = n.network_id AND m.role = 'owner')
                       <> 1
                    OR NOT EXISTS (SELECT 1 FROM network_members m WHERE m.network_id = n.network_id
                                   AND m.user_id = n.owner_id AND m.role = 'owner')";
    let odd = texts(&mut shell, query.to_owned()).await;
    assert!(odd.is_empty(), "networks without exactly one owner: {odd:?}");
}

/// What the database itself refuses, whoever asks.
pub(crate) const FORBIDDEN: [&str; 4] = [
    "UPDATE audit_log SET detail = 'forged' WHERE id = 2",
    "DELETE FROM audit_log WHERE id = 2",
    "UPDATE audit_archive SET detail = 'forged' WHERE id = 1",
    "DELETE FROM audit_archive WHERE id = 1",
];

/// Whether the database refuses a statement.
pub(crate) async fn refuses(hub: &TestHub, statement: &'static str) -> bool {
    let refused = sqlx::query(statement).execute(&mut shell(hub).await).await;
    refused.is_err_and(|error| error.to_string().contains("audit log"))
}

const WITHOUT_GUARD: [&str; 4] = [
    "DROP TRIGGER audit_log_is_not_changed",
    "DROP TRIGGER audit_log_is_not_cut",
    "DROP TRIGGER audit_archive_is_not_changed",
    "DROP TRIGGER audit_archive_is_not_cut",
];

/// What somebody does to the audit log who has taken its triggers away, and what is then told of it.
pub(crate) const TAMPERINGS: [(&str, &str); 9] = [
    ("DELETE FROM audit_log WHERE id = 5", "row 5 is missing"),
    ("DELETE FROM audit_log WHERE id = (SELECT MAX(id) FROM audit_log)", "is missing"),
    ("DELETE FROM audit_log", "is missing"),
    ("UPDATE audit_log SET detail = 'forged' WHERE id = 5", "row 5 is not as it was written"),
    ("UPDATE audit_log SET username = 'bob' WHERE id = 5", "row 5 is not as it was written"),
    ("UPDATE audit_log SET created_at = created_at + 1 WHERE id = 5", "row 5 is not as it was written"),
    (
        "UPDATE audit_log SET (user_id, username, action, target_type, target_id, detail, created_at, actor_id, hash) =
             (SELECT user_id, username, action, target_type, target_id, detail, created_at, actor_id, hash
              FROM audit_log AS other WHERE other.id = 11 - audit_log.id)
         WHERE id IN (5, 6)",
        "row 5 is not as it was written",
    ),
    (
        "INSERT INTO audit_log (id, action, target_type, created_at, actor_kind, hash)
         SELECT MAX(id) + 1, 'forged', 'hub', 0, 'user', 'x' FROM audit_log",
        "was not written by the hub",
    ),
    ("UPDATE audit_chain SET head_hash = 'x'", "is not the one that was written last"),
];

/// Changes the audit log as somebody can who writes to the database.
pub(crate) async fn tamper(hub: &TestHub, statement: &'static str) {
    let mut shell = shell(hub).await;
    for statement in WITHOUT_GUARD.into_iter().chain([statement]) {
        sqlx::query(statement).execute(&mut shell).await.unwrap();
    }
}

/// Removes the last row and has the chain end before it, as if it had never been.
pub(crate) const UNWRITE: &str = "UPDATE audit_chain SET
     head_id = (SELECT id FROM audit_log ORDER BY id DESC LIMIT 1 OFFSET 1),
     head_hash = (SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1 OFFSET 1);
 DELETE FROM audit_log WHERE id = (SELECT MAX(id) FROM audit_log)";

/// Changes a row and computes the whole chain anew.
pub(crate) async fn rewrite_audit(hub: &TestHub, change: impl Fn(&mut AuditRow)) {
    let mut rows = hub.hub.read().await.unwrap().audit_from(0, 10_000).await.unwrap();
    let mut shell = shell(hub).await;
    for statement in WITHOUT_GUARD {
        sqlx::query(statement).execute(&mut shell).await.unwrap();
    }
    let mut previous = String::new();
    for row in &mut rows {
        change(row);
        row.hash = hash(&previous, row);
        previous.clone_from(&row.hash);
        sqlx::query("UPDATE audit_log SET detail = $1, hash = $2 WHERE id = $3")
            .bind(&row.detail)
            .bind(&row.hash)
            .bind(row.id)
            .execute(&mut shell)
            .await
            .unwrap();
    }
    sqlx::query("UPDATE audit_chain SET head_hash = $1").bind(previous).execute(&mut shell).await.unwrap();
}

/// From now on no line of this action can be written down.
pub(crate) async fn break_audit(hub: &TestHub) {
    let broken = "CREATE TRIGGER audit_is_broken BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'broken'); END";
    sqlx::query(broken).execute(&mut shell(hub).await).await.unwrap();
}

/// And now they can again.
pub(crate) async fn mend_audit(hub: &TestHub) {
    sqlx::query("DROP TRIGGER audit_is_broken").execute(&mut shell(hub).await).await.unwrap();
}

/// A line with a detail of any kind.
pub(crate) async fn note_down(hub: &TestHub, detail: String) {
    let now = hub.hub.now();
    let entry = AuditEntry::anonymous(None, "note", now).named(&detail).to("hub", &detail).detail(&detail);
    hub.hub.write(async move |transaction| Ok(transaction.insert_audit(&entry).await?)).await.unwrap();
}
