use std::net::TcpListener;

use anet_tests::{World, kill_process, process_is_alive, wait_until};

#[test]
fn a_second_start_changes_nothing_and_says_so() {
    let world = World::new();
    let url = world.start_hub();
    let pid = world.hub_pid();
    let port = url.rsplit(':').next().unwrap();
    let again = world.anet(&["hub", "start", "--port", port]).done();
    assert!(again.stderr.contains("was already running"), "{again:?}");
    assert_eq!(world.hub_pid(), pid);
}

#[test]
fn a_port_that_a_stranger_holds_is_named_with_its_owner_and_the_stranger_lives() {
    let world = World::new();
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port().to_string();
    let run = world.anet(&["hub", "start", "--port", &port]).failed(1);
    let own_pid = std::process::id().to_string();
    assert!(run.stderr.contains(&port) && run.stderr.contains(&own_pid), "{run:?}");
    assert!(run.stderr.contains("hint: "), "{run:?}");
    drop(stranger);
}

#[test]
fn a_stopped_hub_stays_stopped_and_stopping_it_again_is_no_error() {
    let world = World::new();
    let _url = world.start_hub();
    let pid = world.hub_pid();
    let _stopped = world.anet(&["hub", "stop"]).done();
    assert!(!process_is_alive(pid));
    let again = world.anet(&["hub", "stop"]).done();
    assert!(again.stderr.contains("was not running"), "{again:?}");
    let status = world.anet(&["status"]).failed(3);
    assert!(status.stderr.contains("anet hub start"), "{status:?}");
}

#[test]
fn a_hub_killed_with_sigkill_comes_back_at_the_same_address_with_everything() {
    let world = World::new();
    let url = world.start_hub();
    let pid = world.hub_pid();
    kill_process(pid);
    let new = wait_until("the hub is back", || {
        let status = world.anet(&["supervisor", "status", "--json"]).json();
        let hub = &status["hub"];
        (hub["state"] == "running" && hub["pid"] != pid).then(|| hub["url"].as_str().unwrap().to_owned())
    });
    assert_eq!(new, url);
    assert_eq!(world.anet(&["whoami", "--json"]).done().json()["user"]["username"], "admin");
}

#[test]
fn a_restarted_hub_is_another_process_at_the_same_address_and_its_nodes_come_back() {
    let world = World::new();
    let url = world.start_hub();
    world.start_node("writer", "cat");
    let (hub, node) = (world.hub_pid(), world.node_pid("writer"));
    let _restarted = world.anet(&["hub", "restart"]).done();
    assert_ne!(world.hub_pid(), hub);
    assert_eq!(world.anet(&["hub", "status", "--json"]).done().json()["url"], url);
    let answer = world.anet(&["send", "writer", "hello", "--wait"]).done();
    assert_eq!((answer.stdout.as_str(), world.node_pid("writer")), ("hello\n", node));
}

#[test]
fn a_second_hub_on_one_database_is_refused_and_told_who_holds_it() {
    let world = World::new();
    let _url = world.start_hub();
    let pid = world.hub_pid().to_string();
    let run = world.anet(&["hub", "run", "--port", "0"]).failed(1);
    assert!(run.stderr.contains(&pid) && run.stderr.contains("commhub.db"), "{run:?}");
}

#[test]
fn a_node_starts_while_the_hub_is_down_only_in_words_that_are_true() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("early", "cat");
    let _stopped = world.anet(&["hub", "stop"]).done();
    let _restart = world.anet(&["supervisor", "status"]).done();
    let node = world.node("early");
    assert_eq!(node["state"], "stopped", "{node}");
}

#[test]
fn a_hub_that_is_started_without_a_port_comes_back_where_it_was_and_its_nodes_with_it() {
    let world = World::new();
    let url = world.start_hub();
    world.start_node("writer", "cat");
    let pid = world.node_pid("writer");
    let _stopped = world.anet(&["hub", "stop"]).done();
    let again = world.anet(&["hub", "start", "--json"]).done().json();
    assert_eq!(again["url"], url);
    wait_until("the node is connected", || (world.node("writer")["link"]["value"] == "connected").then_some(()));
    assert_eq!(world.node_pid("writer"), pid, "nothing was restarted");
    // What remembers the port is a file, and a broken one is told and not guessed about.
    let _stopped = world.anet(&["hub", "stop"]).done();
    std::fs::write(world.home.join(".anet/server/config.json"), "{\"port\": 0}").unwrap();
    let refused = world.anet(&["hub", "start"]).failed(1);
    assert!(refused.stderr.contains("`port` is 0") && refused.stderr.contains("hint: name the port"), "{refused:?}");
}

#[test]
fn running_nodes_follow_a_hub_that_moved_to_another_port() {
    let world = World::new();
    let url = world.start_hub();
    world.start_node("writer", "cat");
    let _stopped = world.anet(&["hub", "stop"]).done();
    let stranger = TcpListener::bind(url.strip_prefix("http://").unwrap()).unwrap();
    let refused = world.anet(&["hub", "start"]).failed(1);
    assert!(refused.stderr.contains("is taken by"), "{refused:?}");
    let moved = world.start_hub();
    assert_ne!(moved, url);
    let task = world.send("writer", "hello");
    assert_eq!(world.wait_for_task(&task, "replied")["status"], "replied");
    let node = world.node("writer");
    assert_eq!((&node["state"], &node["link"]["value"]), (&"running".into(), &"connected".into()), "{node}");
    drop(stranger);
}
