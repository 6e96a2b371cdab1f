//! A node that is deleted: what becomes of its files, its place at the hub and its token.

use anet_tests::{World, process_is_alive};

use crate::node::copy_directory;

#[test]
fn a_deleted_node_is_gone_everywhere_and_only_after_force() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let pid = world.node_pid("counter");
    let asked = world.anet(&["node", "delete", "counter"]).failed(1);
    assert!(asked.stderr.contains("--force") && process_is_alive(pid), "{asked:?}");
    let _deleted = world.anet(&["node", "delete", "counter", "--force"]).done();
    assert!(!process_is_alive(pid) && !world.node_directory("counter").exists());
    assert_eq!(world.anet(&["node", "ls", "--json"]).done().json()["nodes"].as_array().map(Vec::len), Some(0));
    let refused = world.anet(&["send", "counter", "hello"]).failed(1);
    assert!(refused.stderr.contains("counter"), "{refused:?}");
}

#[test]
fn a_deleted_node_whose_configuration_is_broken_leaves_no_token_that_works_or_is_told_to() {
    let world = World::new();
    let _url = world.start_hub();
    let tokens = || {
        let list = world.anet(&["token", "ls", "--json"]).done().json();
        let rows = list["tokens"].as_array().unwrap().clone();
        rows.into_iter().filter(|row| row["name"].as_str().unwrap().starts_with("node:")).count()
    };
    for name in ["first", "second"] {
        world.create_node(name, "cat");
        std::fs::write(world.node_directory(name).join("config.json"), "{ oops").unwrap();
    }
    assert_eq!(tokens(), 2);
    let deleted = world.anet(&["node", "delete", "first", "--force"]).done();
    assert!(deleted.stderr.contains("1 token(s) revoked"), "{deleted:?}");
    assert_eq!((tokens(), world.node_directory("first").exists()), (1, false));
    // Nobody is logged in, so that nobody can revoke anything: that is said, with what does.
    let _out = world.anet(&["logout"]).done();
    let deleted = world.anet(&["node", "delete", "second", "--force"]).done();
    assert!(deleted.stderr.contains("its token stays valid there"), "{deleted:?}");
    assert!(deleted.stderr.contains("hint: `anet token ls` lists it as node:second"), "{deleted:?}");
    assert!(!world.node_directory("second").exists());
}

#[test]
fn deleting_a_copy_leaves_the_original_alone() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let other = world.directory().join("other");
    copy_directory(&world.node_directory("counter"), &other.join(".anet/nodes/counter"));
    let deleted = world.anet_in(&other, &["node", "delete", "counter", "--force"]).done();
    assert!(deleted.stderr.contains(world.project.to_str().unwrap()), "says where the node is: {deleted:?}");
    assert!(!other.join(".anet/nodes/counter").exists());
    let id = world.send("counter", "still there");
    let _task = world.wait_for_task(&id, "replied");
}

#[test]
fn deleting_a_copy_beside_the_original_leaves_the_original_alone() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    copy_directory(&world.node_directory("counter"), &world.node_directory("copy"));
    let deleted = world.anet(&["node", "delete", "copy", "--force"]).done();
    assert!(deleted.stderr.contains("counter in this project is the same node"), "{deleted:?}");
    assert!(!world.node_directory("copy").exists());
    let id = world.send("counter", "still there");
    let _task = world.wait_for_task(&id, "replied");
}

#[test]
fn a_node_that_the_hub_cannot_be_told_of_is_neither_stopped_nor_deleted() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let pid = world.node_pid("counter");
    let _stopped = world.anet(&["hub", "stop"]).done();
    let _run = world.anet(&["node", "delete", "counter", "--force"]).failed(3);
    assert!(process_is_alive(pid) && world.node_directory("counter").join("config.json").exists());
}
