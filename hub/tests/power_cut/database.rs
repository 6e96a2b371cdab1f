//! Whether a database is whole.

use std::collections::HashSet;
use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// Rows that must not be: counters that differ from a scan, and tasks without the rest of their transaction.
const CONTRADICTIONS: &str = "
    SELECT 'count of ' || status || ' tasks' FROM (
        SELECT network_id, status, count FROM task_counts WHERE count <> 0
        EXCEPT SELECT network_id, status, count(*) FROM tasks GROUP BY network_id, status)
    UNION ALL SELECT 'uncounted ' || status || ' tasks' FROM (
        SELECT network_id, status, count(*) FROM tasks GROUP BY network_id, status
        EXCEPT SELECT network_id, status, count FROM task_counts)
    UNION ALL SELECT 'inbox count of ' || alias FROM nodes WHERE inbox_count <> (
        SELECT count(*) FROM tasks
        WHERE to_node_id = node_id AND status = 'delivered' AND lease_expires_at IS NULL)
    UNION ALL SELECT 'no change of ' || task_id FROM (
        SELECT task_id FROM tasks EXCEPT SELECT task_id FROM task_events)
    UNION ALL SELECT 'no message of ' || task_id FROM (
        SELECT task_id FROM tasks EXCEPT SELECT task_id FROM messages)
    UNION ALL SELECT 'no task of message ' || task_id FROM (
        SELECT task_id FROM messages WHERE task_id IS NOT NULL EXCEPT SELECT task_id FROM tasks)";

/// Checks the database of a running hub; gives the tasks in it.
pub(crate) async fn inspect(database: &Path) -> HashSet<String> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("the database opens");
    for (question, answer) in
        [("PRAGMA integrity_check", &["ok"][..]), ("PRAGMA foreign_key_check", &[]), (CONTRADICTIONS, &[])]
    {
        let found: Vec<String> =
            sqlx::query_scalar(question).fetch_all(&mut connection).await.expect("a valid question");
        assert_eq!(found, answer, "{question}");
    }
    let tasks = sqlx::query_scalar("SELECT task_id FROM tasks").fetch_all(&mut connection).await;
    let tasks: Vec<String> = tasks.expect("the tasks can be read");
    connection.close().await.expect("the database closes");
    tasks.into_iter().collect()
}
