//! Who gets into a hub, and that strangers do not.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use anet_tests::{World, call, processes_of};

const LOOPBACK: [&str; 4] = ["hub", "start", "--port", "0"];
const EVERYWHERE: [&str; 6] = ["hub", "start", "--host", "0.0.0.0", "--port", "0"];

fn with<'a>(start: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [start, more].concat()
}

#[test]
fn a_weak_password_is_for_this_machine_alone() {
    let world = World::new();
    let started = world.anet(&with(&LOOPBACK, &["--password", "anethub"])).done();
    assert!(started.stderr.contains("warning: the password is weak"), "{started:?}");
    assert!(!started.stdout.contains("anethub") && !started.stderr.contains("anethub"), "{started:?}");
    let pid = world.hub_pid();

    let refused = world.anet(&EVERYWHERE).failed(1);
    assert!(refused.stderr.contains("it listens on 127.0.0.1") && refused.stderr.contains("goes on"), "{refused:?}");
    assert_eq!(world.hub_pid(), pid, "the hub of this machine was not touched");

    let _stopped = world.anet(&["hub", "stop"]).done();
    let refused = world.anet(&EVERYWHERE).failed(1);
    assert!(refused.stderr.contains("password of the administrator admin"), "{refused:?}");
    assert!(refused.stderr.contains("is not started again by itself"), "{refused:?}");
    assert!(refused.stderr.contains("hint: start the hub on 127.0.0.1"), "{refused:?}");
    let status = world.anet(&["supervisor", "status", "--json"]).done().json();
    assert_eq!((&status["hub"]["state"], status["hub"]["pid"].is_null()), (&"needs_attention".into(), true));
    assert_eq!(status["hub"]["process"]["last_exit"]["code"], 76, "{status}");
    let asked = world.anet(&["hub", "status"]).failed(3);
    assert!(asked.stderr.contains("the hub is stopped") && asked.stderr.contains("anet passwd"), "{asked:?}");
    let supervised = world.anet(&["supervisor", "status"]).done();
    assert!(supervised.stdout.contains("password of the administrator admin"), "{supervised:?}");

    let _back = world.anet(&LOOPBACK).done();
    let _changed = world.anet_typing("anethub\nsix white horses in a row\n", &["passwd"]).done();
    let _stopped = world.anet(&["hub", "stop"]).done();
    let started = world.anet(&EVERYWHERE).done();
    assert!(started.stderr.contains("is reached from other machines"), "{started:?}");
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "admin");
}

#[test]
fn a_random_password_that_nobody_has_changed_is_for_this_machine_alone() {
    let world = World::new();
    let _url = world.start_hub();
    let _stopped = world.anet(&["hub", "stop"]).done();
    let refused = world.anet(&EVERYWHERE).failed(1);
    assert!(refused.stderr.contains("may not be reached by others"), "{refused:?}");
    let run = world.anet(&["hub", "run", "--host", "0.0.0.0", "--port", "0"]).failed(76);
    assert!(run.stderr.contains("hint: start the hub on 127.0.0.1"), "{run:?}");
}

#[test]
fn a_first_start_for_others_needs_a_strong_password_before_anything_starts() {
    let world = World::new();
    let refused = world.anet(&EVERYWHERE).failed(2);
    assert!(refused.stderr.contains("--password -"), "{refused:?}");
    for weak in ["short", "anethub1", "adminadmin"] {
        let refused = world.anet_typing(&format!("{weak}\n"), &with(&EVERYWHERE, &["--password", "-"])).failed(2);
        assert!(refused.stderr.contains("password") && !refused.stderr.contains(weak), "{refused:?}");
    }
    assert_eq!(processes_of(&world.home), [], "nothing was started");
    assert!(!world.home.join(".commhub").exists());

    let strong = "six white horses in a row\n";
    let started = world.anet_typing(strong, &with(&EVERYWHERE, &["--password", "-", "--json"])).done();
    assert!(!started.stdout.contains("horses") && !started.stderr.contains("horses"), "{started:?}");
    let started = started.json();
    assert_eq!((&started["admin"]["username"], started["admin"]["password"].is_null()), (&"admin".into(), true));
    assert!(!world.home.join(".commhub/setup-code").exists(), "the code is void");
    assert!(world.home.join(".anet/server/admin-utok.json").exists());
    let me = world.anet(&["whoami", "--json"]).done().json();
    assert_eq!((&me["user"]["role"], me["user"]["must_change_password"].is_null()), (&"admin".into(), true));
    let status = world.anet(&["hub", "status", "--json"]).done().json();
    assert_eq!(status["auth"]["registration"], "invite", "strangers do not walk in");
}

#[test]
fn a_first_start_for_others_that_failed_half_way_is_finished_by_the_next() {
    let world = World::new();
    let strong = "six white horses in a row\n";
    let unnamed = world.anet_typing(strong, &with(&EVERYWHERE, &["--password", "-", "--username", "x y"])).failed(2);
    assert!(unnamed.stderr.contains("invalid characters"), "{unnamed:?}");
    let _none = world.anet(&["hub", "status"]).failed(3);
    // As a command leaves it that is killed before it has made the administrator.
    let _supervisor = world.anet(&["supervisor", "start"]).done();
    let database = world.home.join(".commhub/commhub.db");
    let body = serde_json::json!({ "listen": "0.0.0.0:0", "database": database }).to_string();
    let mut socket = UnixStream::connect(world.home.join(".anet/run/supervisor.sock")).unwrap();
    let head = "POST /v1/hub/start HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close";
    write!(socket, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let status = world.anet(&["supervisor", "status", "--json"]).done().json();
    let url = status["hub"]["url"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
    let status = world.anet(&["hub", "status", "--hub", &url]).done();
    assert!(status.stderr.contains("no account yet"), "{status:?}");
    let stranger = world.person("stranger", &url).register(&[]).failed(1);
    assert!(stranger.stderr.contains("setup-code"), "{stranger:?}");
    let started = world.anet_typing(strong, &with(&EVERYWHERE, &["--password", "-"])).done();
    assert!(started.stdout.contains("Administrator: admin"), "{started:?}");
}

#[test]
fn a_hub_without_login_is_for_this_machine_alone() {
    let world = World::new();
    for flag in ["--dev-open", "--no-login"] {
        let refused = world.anet(&with(&EVERYWHERE, &[flag])).failed(2);
        assert!(refused.stderr.contains("0.0.0.0") && refused.stderr.contains("hint: "), "{refused:?}");
    }
    for variable in [("COMMHUB_DEV_OPEN", "1"), ("ANET_AUTH", "off"), ("AI_PARTNER_AUTH_ENABLED", "false")] {
        let refused = world.anet_with(&[variable], &EVERYWHERE).failed(2);
        assert!(refused.stderr.contains("0.0.0.0") && refused.stderr.contains("hint: "), "{refused:?}");
    }
    assert_eq!(processes_of(&world.home), [], "nothing was started");
}

#[test]
fn a_hub_for_development_says_loudly_that_it_is_open_and_asks_nobody() {
    let world = World::new();
    let started = world.anet(&with(&LOOPBACK, &["--dev-open"])).done();
    assert!(started.stderr.contains("warning: DEV-OPEN"), "{started:?}");
    assert!(!world.home.join(".anet/server/admin-utok.json").exists(), "nobody needs a login");
    let status = world.anet(&["hub", "status", "--json"]).done().json();
    assert_eq!((&status["health"]["security"], &status["auth"]["auth"]), (&"dev-open".into(), &"dev-open".into()));
    let me = world.anet(&["whoami", "--json"]).done().json();
    assert_eq!((&me["user"]["username"], &me["user"]["role"]), (&"local".into(), &"admin".into()));
    world.start_node("writer", "tr a-z A-Z");
    assert_eq!(world.anet(&["send", "writer", "hello", "--wait"]).done().stdout, "HELLO\n");
}

#[test]
fn without_login_everybody_on_the_machine_is_the_one_user_and_login_can_be_asked_for_later() {
    let world = World::new();
    let started = world.anet(&with(&LOOPBACK, &["--no-login"])).done();
    assert!(started.stderr.contains("nobody on this machine is asked to log in"), "{started:?}");
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "local");
    let status = world.anet(&["hub", "status"]).done();
    assert!(status.stdout.contains("single-user") && status.stdout.contains("Registration: closed"), "{status:?}");
    let url = world.anet(&["hub", "status", "--json"]).done().json()["url"].as_str().unwrap().to_owned();
    let body = serde_json::json!({"username": "ann", "password": "a long enough passphrase"});
    assert_eq!(call(&url, "POST", "/api/auth/register", None, Some(&body)).0, 403);

    let _stopped = world.anet(&["hub", "stop"]).done();
    let started = world.anet(&LOOPBACK).done();
    assert!(started.stderr.contains("anet hub admin reset-user local"), "the way in is named: {started:?}");
    let _nobody = world.anet(&["whoami"]).failed(1);
    let user = world.anet(&["hub", "admin", "reset-user", "local", "--json"]).done().json();
    let password = format!("{}\n", user["password"].as_str().unwrap());
    let _in = world.anet_typing(&password, &["login", "--username", "local"]).done();
}
