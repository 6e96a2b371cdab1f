//! The questions that only tests ask of the database.

use std::collections::BTreeMap;

use sqlx::Row as _;

use crate::tests::kit::TestHub;

/// The password hash of the first user.
pub(crate) async fn password_hash(hub: &TestHub) -> String {
    let mut reads = hub.hub.read().await.unwrap();
    reads.users().await.unwrap().remove(0).password.hash
}

/// The audit log's actions, oldest first.
pub(crate) async fn audit_actions(hub: &TestHub) -> Vec<String> {
    hub.hub
        .write(async |transaction| {
            let rows = sqlx::query("SELECT action FROM audit_log ORDER BY id")
                .fetch_all(transaction.engine().await?)
                .await
                .map_err(crate::store::StoreError::from)?;
            Ok(rows.iter().map(|row| row.get("action")).collect())
        })
        .await
        .unwrap()
}

/// All that is stored, table by table. The audit log is left out: it grows with a refusal too.
pub(crate) async fn contents(hub: &TestHub) -> BTreeMap<String, String> {
    hub.hub.save_presence().await.unwrap();
    hub.hub
        .write(async |transaction| {
            let engine = transaction.engine().await?;
            let columns = sqlx::query(
                "SELECT tables.name AS name, group_concat('\"' || columns.name || '\"') AS columns
                 FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
                 WHERE tables.type = 'table' AND tables.name NOT GLOB 'audit*' AND tables.name NOT GLOB '*sql*'
                 GROUP BY tables.name",
            );
            let tables = columns.fetch_all(&mut *engine).await.map_err(crate::store::StoreError::from)?;
            let selects: Vec<String> = tables
                .iter()
                .map(|row| {
                    let (name, columns): (String, String) = (row.get("name"), row.get("columns"));
                    format!("SELECT '{name}' AS name, json_group_array(json_array({columns})) AS content FROM {name}")
                })
                .collect();
            let query = sqlx::AssertSqlSafe(selects.join(" UNION ALL "));
            let rows = sqlx::query(query).fetch_all(&mut *engine).await.map_err(crate::store::StoreError::from)?;
            Ok(rows.iter().map(|row| (row.get("name"), row.get("content"))).collect())
        })
        .await
        .unwrap()
}

/// Counts by a scan what the counters keep, and compares.
pub(crate) async fn assert_counters_agree(hub: &TestHub) {
    const PAIRS: [(&str, &str); 2] = [
        (
            "SELECT network_id || status AS key, count AS value FROM task_counts WHERE count <> 0",
            "SELECT network_id || status AS key, COUNT(*) AS value FROM tasks GROUP BY network_id, status",
        ),
        (
            "SELECT node_id AS key, inbox_count AS value FROM nodes WHERE inbox_count <> 0",
            "SELECT to_node_id AS key, COUNT(*) AS value FROM tasks
             WHERE status = 'delivered' AND lease_expires_at IS NULL AND to_node_id IN (SELECT node_id FROM nodes)
             GROUP BY to_node_id",
        ),
    ];
    hub.hub
        .write(async |transaction| {
            for (counted, scanned) in PAIRS {
                let mut found = Vec::new();
                for query in [counted, scanned] {
                    let rows = sqlx::query(query)
                        .fetch_all(transaction.engine().await?)
                        .await
                        .map_err(crate::store::StoreError::from)?;
                    let map: BTreeMap<String, i64> =
                        rows.iter().map(|row| (row.get("key"), row.get("value"))).collect();
                    found.push(map);
                }
                assert_eq!(found[0], found[1]);
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// Makes a person a member of a network, or changes the rank there.
pub(crate) async fn set_role(hub: &TestHub, network_id: &str, username: &'static str, role: &'static str) {
    let network_id = network_id.to_owned();
    hub.hub
        .write(async move |transaction| {
            sqlx::query(
                "INSERT INTO network_members (network_id, user_id, role, joined_at)
                 SELECT $1, user_id, $3, 0 FROM users WHERE username = $2
                 ON CONFLICT (network_id, user_id) DO UPDATE SET role = excluded.role",
            )
            .bind(network_id)
            .bind(username)
            .bind(role)
            .execute(transaction.engine().await?)
            .await
            .map_err(crate::store::StoreError::from)?;
            Ok(())
        })
        .await
        .unwrap();
}
