use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use anet_tests::World;

#[test]
fn the_first_hub_start_creates_one_administrator_and_logs_it_in() {
    let world = World::new();
    let started = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    assert_eq!(started["admin"]["username"], "admin");
    let password = started["admin"]["password"].as_str().unwrap();
    assert!(password.starts_with("anet-") && password.len() > 20, "a random password: {password}");

    let me = world.anet(&["whoami", "--json"]).done().json();
    assert_eq!((me["user"]["username"].as_str(), me["user"]["role"].as_str()), (Some("admin"), Some("admin")));

    let again = world.anet(&["hub", "start", "--port", "0", "--json"]).done();
    assert!(again.json()["admin"].is_null() && !again.stderr.contains(password), "shown once: {again:?}");
}

#[test]
fn the_password_that_was_shown_logs_in_and_a_wrong_one_does_not() {
    let world = World::new();
    let started = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    let password = started["admin"]["password"].as_str().unwrap();
    let before = fs::read_to_string(world.home.join(".anet/config.json")).unwrap();

    let refused = world.anet(&["login", "--username", "admin", "--password", "not-the-password"]).failed(1);
    assert!(refused.stderr.contains("invalid username or password"), "{refused:?}");
    assert!(!refused.stderr.contains("not-the-password"), "{refused:?}");
    assert!(
        refused.stderr.contains("hint: a recovery key sets a new password: `anet recover --username admin`"),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(world.home.join(".anet/config.json")).unwrap(), before, "nothing has changed");

    let _in = world.anet(&["login", "--username", "admin", "--password", password]).done();
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "admin");
}

#[test]
fn everything_secret_is_closed_to_other_users() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in [".anet/config.json", ".anet/server/admin-utok.json", ".commhub/commhub.db"] {
        assert_eq!(mode(&world.home.join(file)), 0o600, "{file}");
    }
    for directory in [".anet", ".anet/run", ".anet/server", ".commhub"] {
        assert_eq!(mode(&world.home.join(directory)), 0o700, "{directory}");
    }
    assert_eq!(mode(&world.node_directory("writer").join("config.json")), 0o600);
    assert_eq!(mode(&world.home.join(".anet/run/supervisor.sock")), 0o600);
}

#[test]
fn a_second_account_is_no_administrator_and_sees_nothing_of_the_first() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let admin_config = fs::read_to_string(world.home.join(".anet/config.json")).unwrap();
    let mut command = world.command_in(&world.project, &["register", "--username", "ann"]);
    let mut register = command.stdin(Stdio::piped()).spawn().unwrap();
    register.stdin.take().unwrap().write_all(b"a long enough passphrase\n").unwrap();
    assert!(register.wait().unwrap().success());

    let me = world.anet(&["whoami", "--json"]).done().json();
    assert_eq!((me["user"]["username"].as_str(), me["user"]["role"].as_str()), (Some("ann"), Some("user")));
    let sessions = world.anet(&["status", "--json"]).done().json()["sessions"].clone();
    assert_eq!(sessions.as_array().map(Vec::len), Some(0), "{sessions}");
    let refused = world.anet(&["send", "writer", "hello"]).failed(1);
    assert!(!refused.stderr.contains("did you mean"), "no name of another network is told: {refused:?}");

    let admin: serde_json::Value = serde_json::from_str(&admin_config).unwrap();
    let _back = world.anet(&["login", "--token", admin["token"].as_str().unwrap()]).done();
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "admin");
}

#[test]
fn a_mistyped_token_is_refused_without_asking_the_hub() {
    let world = World::new();
    let run = world.anet(&["whoami", "--hub", "http://127.0.0.1:1", "--token", "utok_notatoken"]).failed(1);
    assert!(!run.stderr.contains("utok_notatoken"), "a refused token is not repeated: {run:?}");
    assert!(!run.stderr.contains("does not answer"), "the hub was asked: {run:?}");
}

#[test]
fn without_a_hub_the_exit_code_says_so() {
    let world = World::new();
    let run =
        world.anet(&["register", "--hub", "http://127.0.0.1:1", "--username", "ann", "--password", "long enough"]);
    let run = run.failed(3);
    assert!(run.stderr.contains("http://127.0.0.1:1") && run.stderr.contains("hint: "), "{run:?}");
}
