//! The hub's administrator, and what the machine keeps of it: `admin-utok.json` and `config.json`.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anet_tests::{World, call, listen, wait_until};
use serde_json::Value;

const MARKER: &str = ".anet/server/admin-utok.json";
const CONFIG: &str = ".anet/config.json";

fn token(world: &World, file: &str) -> String {
    world.json_file(file)["token"].as_str().unwrap().to_owned()
}

/// Whose token it is, if it works.
fn owner(url: &str, token: &str) -> Option<String> {
    let (status, me) = call(url, "GET", "/api/auth/me", Some(token), None);
    (status == 200).then(|| me["user"]["username"].as_str().unwrap().to_owned())
}

fn wipe_database(world: &World) {
    for ending in ["", "-wal", "-shm"] {
        let path = world.home.join(format!(".commhub/commhub.db{ending}"));
        assert!(fs::remove_file(&path).is_ok() || !path.exists());
    }
}

#[test]
fn the_machine_has_two_logins_of_its_own_and_a_second_start_touches_neither() {
    let world = World::new();
    let url = world.start_hub();
    let before = (token(&world, MARKER), token(&world, CONFIG));
    assert_ne!(before.0, before.1, "neither ends with the other");
    assert_eq!(world.json_file(MARKER)["username"], "admin");
    let again = world.anet(&["hub", "start", "--port", "0"]).done();
    assert!(again.stderr.contains("administrator admin already exists"), "{again:?}");
    assert!(!again.stderr.contains("anet login"), "somebody is logged in: {again:?}");
    assert_eq!((token(&world, MARKER), token(&world, CONFIG)), before);
    assert!(owner(&url, &before.0).is_some());
    let labels = world.anet(&["session", "ls", "--json"]).done().json()["sessions"].clone();
    let labels: Vec<_> = labels.as_array().unwrap().iter().filter_map(|row| row["client_label"].as_str()).collect();
    assert_eq!(labels, ["admin-utok.json"]);
}

#[test]
fn of_many_first_starts_at_once_one_makes_the_administrator_and_all_succeed() {
    let world = World::new();
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let mut command = world.command_in(&world.project, &["hub", "start", "--port", "0", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut made = 0;
    for start in starts {
        let output = start.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let started: Value = serde_json::from_slice(&output.stdout).unwrap();
        made += usize::from(!started["admin"].is_null());
    }
    let url = world.anet(&["hub", "status", "--json"]).done().json()["url"].as_str().unwrap().to_owned();
    assert_eq!((made, owner(&url, &token(&world, MARKER)).as_deref()), (1, Some("admin")));
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "admin");
}

#[test]
fn a_login_of_the_machine_that_has_ended_is_replaced_and_unknown_keys_stay() {
    let world = World::new();
    let url = world.start_hub();
    let mut marker = world.json_file(MARKER);
    marker["note"] = "mine".into();
    fs::write(world.home.join(MARKER), marker.to_string()).unwrap();
    let dead = token(&world, MARKER);
    let _revoked = world.anet(&["session", "revoke", "--others"]).done();
    assert_eq!(owner(&url, &dead), None);

    let started = world.anet(&["hub", "start", "--port", "0"]).done();
    assert!(started.stderr.contains("admin-utok.json held a login that has ended"), "{started:?}");
    assert!(!started.stderr.contains("anet login"), "somebody is logged in: {started:?}");
    assert_eq!(owner(&url, &token(&world, MARKER)).as_deref(), Some("admin"));
    assert_eq!(world.json_file(MARKER)["note"], "mine");
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "admin");
}

#[test]
fn a_lost_login_of_the_machine_is_made_anew_and_the_way_in_is_named() {
    let world = World::new();
    let url = world.start_hub();
    fs::remove_file(world.home.join(MARKER)).unwrap();
    fs::remove_file(world.home.join(CONFIG)).unwrap();
    let started = world.anet(&["hub", "start", "--port", "0"]).done();
    assert!(started.stderr.contains("administrator admin already exists"), "{started:?}");
    assert!(started.stderr.contains("anet login --username admin"), "{started:?}");
    assert!(started.stdout.is_empty(), "no password is made up: {started:?}");
    assert_eq!(owner(&url, &token(&world, MARKER)).as_deref(), Some("admin"));
    let _nobody = world.anet(&["whoami"]).failed(1);
}

#[test]
fn a_wiped_database_gets_a_new_administrator_and_dead_logins_are_replaced() {
    let world = World::new();
    let _url = world.start_hub();
    let before = (token(&world, MARKER), token(&world, CONFIG));
    let _stopped = world.anet(&["hub", "stop"]).done();
    wipe_database(&world);
    let started = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    let (url, password) = (started["url"].as_str().unwrap(), started["admin"]["password"].as_str().unwrap());
    assert_eq!(owner(url, &token(&world, MARKER)).as_deref(), Some("admin"));
    assert_eq!(owner(url, &token(&world, CONFIG)).as_deref(), Some("admin"));
    assert_ne!((token(&world, MARKER), token(&world, CONFIG)), before);
    let _in = world.anet_typing(&format!("{password}\n"), &["login", "--username", "admin"]).done();
}

#[test]
fn a_login_that_works_is_never_deleted() {
    let world = World::new();
    let _url = world.start_hub();
    let _ann = world.anet_typing("a long enough passphrase\n", &["register", "--username", "ann"]).done();
    fs::remove_file(world.home.join(MARKER)).unwrap();
    let _started = world.anet(&["hub", "start", "--port", "0"]).done();
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "ann");
    assert_eq!(world.json_file(MARKER)["username"], "admin");
}

#[test]
fn a_login_at_another_hub_is_left_alone() {
    let world = World::new();
    let elsewhere = r#"{"hub":"https://hub.example","token":"utok_0123456789abcdef0123456789abcdef"}"#;
    fs::create_dir(world.home.join(".anet")).unwrap();
    fs::write(world.home.join(CONFIG), elsewhere).unwrap();
    let started = world.anet(&["hub", "start", "--port", "0"]).done();
    assert!(started.stderr.contains("https://hub.example as before"), "{started:?}");
    assert_eq!(fs::read_to_string(world.home.join(CONFIG)).unwrap(), elsewhere);
}

#[test]
fn a_new_password_ends_the_old_logins_and_the_machine_gets_a_new_one() {
    let world = World::new();
    let started = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    let (url, old) = (started["url"].as_str().unwrap(), started["admin"]["password"].as_str().unwrap());
    let dead = token(&world, MARKER);
    let changed = world.anet_typing(&format!("{old}\nsix white horses in a row\n"), &["passwd"]).done();
    assert!(changed.stderr.contains("admin-utok.json has a new token"), "{changed:?}");
    assert_eq!(owner(url, &dead), None);
    assert_eq!(owner(url, &token(&world, MARKER)).as_deref(), Some("admin"));
    let me = world.anet(&["whoami", "--json"]).done().json();
    assert!(me["user"]["must_change_password"].is_null(), "it was chosen by a person now: {me}");
}

#[test]
fn a_logout_leaves_the_login_of_the_machine() {
    let world = World::new();
    let url = world.start_hub();
    let _out = world.anet(&["logout"]).done();
    let nobody = world.anet(&["whoami"]).failed(1);
    assert!(nobody.stderr.contains("nobody is logged in") && nobody.stderr.contains("anet login"), "{nobody:?}");
    assert_eq!(owner(&url, &token(&world, MARKER)).as_deref(), Some("admin"));
}

#[test]
fn a_reset_beside_a_running_hub_ends_every_login_within_a_second_and_nodes_run_on() {
    let world = World::new();
    let url = world.start_hub();
    world.start_node("writer", "cat");
    let (old, pid) = (token(&world, CONFIG), world.node_pid("writer"));
    let mut stream = listen(&url, "/events/admin", &old);

    let reset = world.anet(&["hub", "admin", "reset-user", "admin", "--json"]).done();
    let began = Instant::now();
    let user = reset.json();
    assert_eq!((&user["username"], &user["revoked"]), (&"admin".into(), &2.into()), "{user}");
    let ended = wait_until("the old login is dead", || (owner(&url, &old).is_none()).then(|| began.elapsed()));
    assert!(ended < Duration::from_secs(1), "{ended:?}");
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "the stream has ended: {:?}", began.elapsed());

    assert_eq!(user["admin_file_renewed"], true);
    assert_eq!(owner(&url, &token(&world, MARKER)).as_deref(), Some("admin"));
    let password = format!("{}\n", user["password"].as_str().unwrap());
    let back = world.anet_typing(&password, &["login", "--username", "admin"]).done();
    assert!(back.stderr.contains("anet passwd"), "{back:?}");
    let answer = world.anet(&["send", "writer", "still there", "--wait"]).done();
    assert_eq!((answer.stdout.as_str(), world.node_pid("writer")), ("still there\n", pid));
    let lines = world.anet(&["audit", "--action", "password_reset_by_admin", "--json"]).done().json();
    assert_eq!(lines["logs"].as_array().map(Vec::len), Some(1), "{lines}");
}

#[test]
fn a_reset_while_the_hub_is_stopped_holds_at_its_next_start() {
    let world = World::new();
    let _url = world.start_hub();
    let _stopped = world.anet(&["hub", "stop"]).done();
    let reset = world.anet(&["hub", "admin", "reset-user", "--user", "admin"]).done();
    assert!(reset.stderr.contains("nodes run on") && reset.stderr.contains("anet login"), "{reset:?}");
    let password = reset.stdout.lines().find_map(|line| line.strip_prefix("Password: ")).unwrap();
    let password = password.split_whitespace().next().unwrap();
    let url = world.start_hub();
    assert_eq!(owner(&url, &token(&world, CONFIG)), None);
    assert_eq!(owner(&url, &token(&world, MARKER)).as_deref(), Some("admin"));
    let _in = world.anet_typing(&format!("{password}\n"), &["login", "--username", "admin"]).done();
}

#[test]
fn a_reset_needs_a_database_and_an_account() {
    let world = World::new();
    let run = world.anet(&["hub", "admin", "reset-user", "admin"]).failed(1);
    assert!(run.stderr.contains("there is no database") && run.stderr.contains("--database"), "{run:?}");
    assert!(!world.home.join(".commhub").exists(), "none is made");
    let _url = world.start_hub();
    let run = world.anet(&["hub", "admin", "reset-user", "nobody"]).failed(1);
    assert!(run.stderr.contains("there is no user nobody"), "{run:?}");
    let _usage = world.anet(&["hub", "admin", "reset-user"]).failed(2);
}

#[test]
fn whoever_mistyped_too_often_is_let_in_again_from_the_hubs_host() {
    let world = World::new();
    let start = ["hub", "start", "--port", "0", "--json"];
    let started = world.anet_with(&[("ANET_LOGIN_ATTEMPTS", "1")], &start).done().json();
    let password = format!("{}\n", started["admin"]["password"].as_str().unwrap());
    let login = ["login", "--username", "admin"];
    let slowed = wait_until("the account is slowed down", || {
        let run = world.anet_typing("wrong\n", &login).failed(1);
        run.stderr.contains("too many wrong passwords").then_some(run)
    });
    assert!(slowed.stderr.contains("try again in"), "{slowed:?}");
    let _unlocked = world.anet(&["hub", "admin", "unlock-user", "admin"]).done();
    let _in = world.anet_typing(&password, &login).done();
}

#[test]
fn a_recovery_key_sets_a_new_password_once() {
    let world = World::new();
    let started = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    let url = started["url"].as_str().unwrap();
    let _refused = world.anet_typing("not the password\n", &["recovery-key", "create"]).failed(1);
    let password = started["admin"]["password"].as_str().unwrap();
    let key = world.anet_typing(&format!("{password}\n"), &["recovery-key", "create"]).done().stdout;
    let recover = ["recover", "--username", "admin"];
    let input = format!("{}\nsix white horses in a row\n", key.trim());
    let recovered = world.anet_typing(&input, &recover).done();
    assert!(recovered.stderr.contains("logged in as admin"), "{recovered:?}");
    assert_eq!(owner(url, &token(&world, MARKER)).as_deref(), Some("admin"), "the machine's login is renewed");
    let again = world.anet_typing(&input, &recover).failed(1);
    assert!(!again.stderr.contains(key.trim()), "{again:?}");
    let _in = world.anet_typing("six white horses in a row\n", &["login", "--username", "admin"]).done();
}

#[test]
fn a_token_is_checked_before_it_is_saved() {
    let world = World::new();
    let _url = world.start_hub();
    let good = token(&world, CONFIG);
    let before: Value = world.json_file(CONFIG);
    let _refused = world.anet(&["login", "--token", "utok_0123456789abcdef0123456789abcdef"]).failed(1);
    assert_eq!(world.json_file(CONFIG), before);
    let _in = world.anet(&["login", "--token", &good]).done();
    assert_eq!(token(&world, CONFIG), good);
}

#[test]
fn another_hub_is_chosen_without_the_login_of_the_first() {
    let (world, other) = (World::new(), World::new());
    let _url = world.start_hub();
    let first = token(&world, CONFIG);
    let url = other.start_hub();
    let chosen = world.anet(&["init", "--hub", &url]).done();
    assert!(chosen.stderr.contains("is forgotten here"), "{chosen:?}");
    assert_eq!(world.json_file(CONFIG)["hub"], url);
    assert!(!fs::read_to_string(world.home.join(CONFIG)).unwrap().contains(&first));
    let nobody = world.anet(&["whoami"]).failed(1);
    assert!(nobody.stderr.contains(&format!("nobody is logged in at {url}")), "{nobody:?}");
    let _nowhere = world.anet(&["init", "--hub", "http://127.0.0.1:1"]).failed(3);
    assert_eq!(world.json_file(CONFIG)["hub"], url);
}
