//! Databases of earlier versions open, and the people in them get in.

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::kit::{PASSWORD, TestHub};

/// The schema of the first version, with people as it kept them.
async fn first_version(path: &std::path::Path, hash: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let first = sqlx::migrate!("src/store/migrations/sqlite");
    first.run_to(1, &mut connection).await.unwrap();
    for (id, name, role) in [("u_1", "Alice", "admin"), ("u_2", "alice", "user"), ("u_3", "bob", "user")] {
        let insert =
            "INSERT INTO users (user_id, username, role, password_hash, created_at) VALUES ($1, $2, $3, $4, 1)";
        let query = sqlx::query(insert).bind(id).bind(name).bind(role).bind(hash);
        query.execute(&mut connection).await.unwrap();
    }
    let rows = "INSERT INTO networks VALUES ('net_1', 'default', 'u_1', NULL, 1, 1);
        INSERT INTO network_members VALUES ('net_1', 'u_1', 'owner', 1);
        INSERT INTO api_tokens (token_id, digest, kind, name, user_id, created_at)
        VALUES ('tok_1', 'd', 'user', 'user-login', 'u_1', 1);
        INSERT INTO audit_log (action, target_type, created_at) VALUES ('register', 'user', 1);";
    connection.execute(rows).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_the_first_version_opens_and_lets_its_people_in() {
    let hub = TestHub::open().await;
    let person = hub.person("alice").await;
    drop(person);
    let hash = crate::store::tests::password_hash(&hub).await;
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("old.db");
    first_version(&path, &hash).await;
    let hub = TestHub::open_with(|settings| settings.database.clone_from(&path)).await;
    // Two who differed in case alone are still two, each by the own spelling.
    for (name, id) in [("Alice", "u_1"), ("alice", "u_2"), ("BOB", "u_3")] {
        let login = hub.post("", "/api/auth/login", json!({ "username": name, "password": PASSWORD })).await.ok();
        assert_eq!(login["user"]["user_id"], id, "{name}");
    }
    let admin = hub.post("", "/api/auth/login", json!({ "username": "Alice", "password": PASSWORD })).await.ok();
    let verified = hub.get(admin["token"].as_str().unwrap(), "/api/audit-log/verify").await.ok();
    assert_eq!(
        (&verified["intact"], &verified["rows"]),
        (&json!(true), &json!(4)),
        "the chain begins after the old rows"
    );
    drop(directory);
}
