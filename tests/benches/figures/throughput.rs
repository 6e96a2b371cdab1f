//! Tasks per second through HTTP, authentication and the durable write, beside SQLite alone.

use std::path::Path;
use std::time::{Duration, Instant};

use anet_tests::World;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

/// How long one figure is measured.
const SPAN: Duration = Duration::from_secs(3);

/// Rows of 200 bytes, as the task content is.
const CONTENT_BYTES: usize = 200;

pub(crate) fn measure() {
    let world = World::new();
    let url = world.start_hub();
    world.create_node("writer", "cat");
    let config = std::fs::read_to_string(world.home.join(".anet/config.json")).expect("the login is saved");
    let config: serde_json::Value = serde_json::from_str(&config).expect("it is JSON");
    let token = config["token"].as_str().expect("there is a token").to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for round in 1..=3 {
        let (single, grouped) = runtime.block_on(raw(world.directory()));
        println!("round {round}: SQLite alone, one row pair per commit: {single:.0}/s; 50 per commit: {grouped:.0}/s");
        for senders in [1, 16] {
            let rate = runtime.block_on(hub(&url, &token, senders));
            println!(
                "round {round}: tasks through the hub, {senders} sender(s): {rate:.0}/s, x{:.2} of SQLite alone with one row pair per commit, x{:.3} of 50 per commit",
                rate / single,
                rate / grouped,
            );
        }
    }
}

/// Sends tasks over `senders` connections, each as fast as it gets answers.
async fn hub(url: &str, token: &str, senders: usize) -> f64 {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = serde_json::json!({ "alias": "writer", "task": "x".repeat(CONTENT_BYTES) }).to_string();
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..senders {
        let request = client.post(format!("{url}/api/task")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.clone());
        workers.spawn(async move {
            let mut answered = 0_u32;
            while began.elapsed() < SPAN {
                let request = request.try_clone().expect("the body is in memory");
                let answer = request.send().await.expect("the hub answers");
                assert!(answer.status().is_success(), "{answer:?}");
                let _body = answer.bytes().await.expect("the answer is whole");
                answered += 1;
            }
            answered
        });
    }
    let answered: u32 = workers.join_all().await.into_iter().sum();
    f64::from(answered) / began.elapsed().as_secs_f64()
}

/// SQLite with the hub's settings and no hub: the limit of this disk and this library.
async fn raw(directory: &Path) -> (f64, f64) {
    let path = directory.join("raw.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("SQLite opens");
    connection
        .execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, key TEXT UNIQUE, content TEXT)")
        .await
        .expect("the table is made");
    connection
        .execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, content TEXT)")
        .await
        .expect("the table is made");
    let single = rate(&mut connection, 1).await;
    let grouped = rate(&mut connection, 50).await;
    connection.close().await.expect("SQLite closes");
    (single, grouped)
}

async fn rate(connection: &mut SqliteConnection, per_commit: u32) -> f64 {
    let content = "x".repeat(CONTENT_BYTES);
    let began = Instant::now();
    let mut written = 0_u32;
    while began.elapsed() < SPAN {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.expect("a transaction");
        for _ in 0..per_commit {
            let key = format!("{per_commit}-{}-{written}", began.elapsed().as_nanos());
            let insert = "INSERT INTO rows (key, content) VALUES ($1, $2)";
            sqlx::query(insert).bind(key).bind(&content).execute(&mut *transaction).await.expect("a row");
            let insert = "INSERT INTO events (content) VALUES ($1)";
            sqlx::query(insert).bind(&content).execute(&mut *transaction).await.expect("an event");
            written += 1;
        }
        transaction.commit().await.expect("a commit");
    }
    f64::from(written) / began.elapsed().as_secs_f64()
}
