//! A node's name, and what becomes of its identity.

use std::fs;

use anet_tests::{World, call};
use serde_json::Value;

fn config(world: &World, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(world.node_directory(name).join("config.json")).unwrap()).unwrap()
}

fn node_token(world: &World, name: &str) -> String {
    config(world, name)["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_stopped_node_keeps_its_identity_under_another_name() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "tr a-z A-Z");
    let _stopped = world.anet(&["node", "stop", "writer"]).done();
    let before = config(&world, "writer");
    let waiting = world.send("writer", "sent before");

    let renamed = world.anet(&["node", "rename", "writer", "author"]).done();
    assert!(renamed.stderr.contains("writer is named author now"), "{renamed:?}");
    assert!(!world.node_directory("writer").exists());
    let after = config(&world, "author");
    assert_eq!((&after["node_id"], &after["token"]), (&before["node_id"], &before["token"]));
    assert_eq!(world.node("author")["state"], "stopped", "it did not run, so it does not");

    let _started = world.anet(&["node", "start", "author"]).done();
    assert_eq!(world.wait_for_task(&waiting, "replied")["result"].as_str().unwrap().trim(), "SENT BEFORE");
    assert_eq!(world.anet(&["send", "author", "new name", "--wait"]).done().stdout, "NEW NAME\n");
    assert_eq!(world.anet(&["send", "writer", "old name", "--wait"]).done().stdout, "OLD NAME\n");
}

#[test]
fn a_running_node_is_renamed_by_force_and_runs_again() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "tr a-z A-Z");
    world.create_node("other", "cat");
    let id = world.node("writer")["node_id"].clone();
    let asked = world.anet(&["node", "rename", "writer", "author"]).failed(1);
    assert!(asked.stderr.contains("--force") && world.node("writer")["state"] == "running", "{asked:?}");
    let taken = world.anet(&["node", "rename", "writer", "other", "--force"]).failed(1);
    assert!(taken.stderr.contains("other") && world.node("writer")["state"] == "running", "{taken:?}");

    let _renamed = world.anet(&["node", "rename", "writer", "author", "--force"]).done();
    let node = world.node("author");
    assert_eq!((&node["state"], &node["node_id"]), (&"running".into(), &id), "{node}");
    assert_eq!(world.anet(&["send", "author", "new name", "--wait"]).done().stdout, "NEW NAME\n");
    assert_eq!(world.anet(&["send", "writer", "old name", "--wait"]).done().stdout, "OLD NAME\n");
}

#[test]
fn a_deleted_node_takes_its_token_along_unless_it_is_to_be_kept() {
    let world = World::new();
    let url = world.start_hub();
    let works = |token: &str| call(&url, "GET", "/api/auth/me", Some(token), None).0 == 200;
    world.create_node("gone", "cat");
    world.create_node("moved", "cat");
    let (gone, moved) = (node_token(&world, "gone"), node_token(&world, "moved"));
    assert!(works(&gone) && works(&moved));
    let _deleted = world.anet(&["node", "delete", "gone", "--force"]).done();
    let _deleted = world.anet(&["node", "delete", "moved", "--keep-token", "--force"]).done();
    assert!(!works(&gone), "revoked");
    assert!(works(&moved), "kept");
}
