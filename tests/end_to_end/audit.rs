use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anet_tests::{World, kill_process};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};

#[test]
fn the_log_tells_who_did_what_and_goes_on_telling() {
    let world = World::new();
    let _url = world.start_hub();
    let _wrong = world.anet_typing("not the password\n", &["login", "--username", "admin"]).failed(1);
    let rows = world.anet(&["audit", "--json"]).done().json()["logs"].clone();
    let actions: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"register") && actions.contains(&"login_failed"), "{actions:?}");
    let failed = world.anet(&["audit", "--action", "login_failed", "--json"]).done().json()["logs"].clone();
    assert_eq!(failed.as_array().map(Vec::len), Some(1), "{failed}");

    let mut command = world.command_in(&world.project, &["audit", "--follow", "--json"]);
    let mut follower = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("login_failed")), "what was before");
    let _created = world.anet(&["network", "create", "team"]).done();
    assert!(lines.any(|line| line.contains("network_created") || line.contains("create_network")), "what is new");
    kill_process(follower.id());
    follower.wait().unwrap();
}

#[test]
fn a_line_that_was_changed_behind_the_hubs_back_is_found() {
    let world = World::new();
    let _url = world.start_hub();
    let intact = world.anet(&["audit", "verify", "--json"]).done().json();
    let head = intact["head"].as_str().unwrap();
    assert_eq!(intact["intact"], true, "{intact}");
    let _anchored = world.anet(&["audit", "verify", "--anchor", head]).done();

    let database = world.home.join(".commhub/commhub.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
        let change = "UPDATE audit_log SET username = 'mallory' WHERE action = 'register'";
        assert!(connection.execute(change).await.is_err(), "the database itself refuses");
        connection.execute("DROP TRIGGER audit_log_is_not_changed").await.unwrap();
        connection.execute(change).await.unwrap();
    });
    let broken = world.anet(&["audit", "verify", "--json"]).failed(1);
    assert_eq!(broken.json()["intact"], false, "{broken:?}");
    assert!(broken.stderr.contains("is not as it was written"), "{broken:?}");
}
