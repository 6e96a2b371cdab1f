//! A node whose token the hub refuses gets another one, without a restart and without losing its work.

use std::fs;
use std::path::Path;

use anet_tests::{World, call, wait_until};

/// An agent that works until the file `go` is there, and counts how often it was started.
const SLOW: &str = "echo started >> starts; until [ -e go ]; do sleep 0.05; done; cat";

fn config(directory: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(directory.join("config.json")).unwrap()).unwrap()
}

/// What is told of a node and is of this kind, oldest first.
fn events_of(world: &World, name: &str, kind: &str) -> Vec<serde_json::Value> {
    let run = world.anet(&["events", name, "--json"]).done();
    let events = run.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.filter(|event| event["happening"]["kind"] == kind).collect()
}

/// Revokes every token of the node at the hub, as `login`.
fn revoke_token(world: &World, name: &str, login: &str) {
    let own = [("COMMHUB_TOKEN", login)];
    let list = world.anet_with(&own, &["token", "ls", "--json"]).done().json();
    let name = format!("node:{name}");
    let ids: Vec<_> = list["tokens"].as_array().unwrap().iter().filter(|token| token["name"] == *name).collect();
    assert!(!ids.is_empty(), "{list}");
    for token in ids {
        let _revoked = world.anet_with(&own, &["token", "revoke", token["token_id"].as_str().unwrap()]).done();
    }
}

fn saved_login(world: &World) -> String {
    world.json_file(".anet/config.json")["token"].as_str().unwrap().to_owned()
}

fn node_tokens(world: &World, name: &str) -> usize {
    let list = world.anet(&["token", "ls", "--json"]).done().json();
    let name = format!("node:{name}");
    list["tokens"].as_array().unwrap().iter().filter(|token| token["name"] == *name).count()
}

#[test]
fn a_node_whose_token_was_revoked_is_connected_again_as_the_same_process_and_its_task_is_done_once() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", SLOW);
    let (pid, before) = (world.node_pid("writer"), config(&world.node_directory("writer"))["token"].clone());
    let task = world.send("writer", "once");
    world.wait_for_task(&task, "running");
    revoke_token(&world, "writer", &saved_login(&world));
    wait_until("another token is in the configuration", || {
        (config(&world.node_directory("writer"))["token"] != before).then_some(())
    });
    wait_until("the node is connected", || (world.node("writer")["link"]["value"] == "connected").then_some(()));
    fs::write(world.project.join("go"), "").unwrap();
    world.wait_for_task(&task, "replied");
    assert_eq!(world.node_pid("writer"), pid, "it was not restarted");
    assert_eq!(fs::read_to_string(world.project.join("starts")).unwrap(), "started\n", "the work was done once");
    assert_eq!(node_tokens(&world, "writer"), 1);
    let again = world.send("writer", "twice");
    world.wait_for_task(&again, "replied");
    let node = world.node("writer");
    assert_eq!((&node["state"], &node["token"]), (&"running".into(), &serde_json::Value::Null), "{node}");
    assert!(events_of(&world, "writer", "token").len() >= 2, "that it is replaced, and that it works");
    let text = world.anet(&["events", "writer"]).done().stdout;
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(place("token  is being replaced") < place("token  works again"), "{text}");
}

#[test]
fn a_dead_login_shows_as_auth_blocked_and_a_new_one_mends_the_node_at_once() {
    let world = World::new();
    let started = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    let password = started["admin"]["password"].as_str().unwrap().to_owned();
    world.start_node("writer", "cat");
    let pid = world.node_pid("writer");
    let other_login = world.json_file(".anet/server/admin-utok.json")["token"].as_str().unwrap().to_owned();
    let sessions = world.anet(&["session", "ls", "--json"]).done().json();
    let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["is_current"] == true);
    let _ended = world.anet(&["session", "revoke", current.unwrap()["token_id"].as_str().unwrap()]).done();
    revoke_token(&world, "writer", &other_login);
    let node = wait_until("the node is auth_blocked", || {
        let node = world.node("writer");
        (node["state"] == "auth_blocked").then_some(node)
    });
    let told = &node["token"]["value"];
    assert!(told["hint"].as_str().unwrap().starts_with("anet login"), "{node}");
    assert!(told["reason"].as_str().unwrap().contains("log"), "{node}");
    let started = world.anet(&["node", "start", "writer"]).failed(1);
    assert!(started.stderr.contains("hint: ") && started.stderr.contains("anet login"), "{started:?}");

    let _in = world.anet_typing(&format!("{password}\n"), &["login", "--username", "admin"]).done();
    wait_until("the node is connected", || (world.node("writer")["link"]["value"] == "connected").then_some(()));
    assert_eq!(world.node_pid("writer"), pid);
    wait_until("the login is told", || (events_of(&world, "writer", "login").len() == 1).then_some(()));
    let text = world.anet(&["events", "writer"]).done().stdout;
    assert!(text.contains("token  refused, and a person must log in: "), "{text}");
    let task = world.send("writer", "after the login");
    world.wait_for_task(&task, "replied");
}

#[test]
fn a_node_that_was_deleted_at_the_hub_needs_attention_and_is_not_made_anew() {
    let world = World::new();
    let url = world.start_hub();
    world.start_node("writer", "cat");
    let node_id = config(&world.node_directory("writer"))["node_id"].as_str().unwrap().to_owned();
    let answer = call(&url, "DELETE", &format!("/api/nodes/{node_id}"), Some(&saved_login(&world)), None);
    assert_eq!(answer.0, 200, "{answer:?}");
    let node = wait_until("the node needs attention", || {
        let node = world.node("writer");
        (node["state"] == "needs_attention").then_some(node)
    });
    assert!(node["token"]["value"]["reason"].as_str().unwrap().contains("deleted"), "{node}");
    let nodes = world.anet(&["status", "--json"]).done().json();
    assert_eq!(nodes["sessions"].as_array().map(Vec::len), Some(0), "{nodes}");
}
