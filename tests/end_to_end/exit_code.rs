//! What the exit codes of commands say (R58); the table is `CommandExit` in `protocol/src/exit_code.rs`.

use std::path::PathBuf;

use anet_tests::{World, wait_until};

/// The settings of the supervisor, in a home that is there.
fn settings(world: &World) -> PathBuf {
    std::fs::create_dir_all(world.home.join(".anet")).unwrap();
    world.home.join(".anet/supervisor.toml")
}

#[test]
fn four_says_that_there_is_no_such_node_or_program() {
    let world = World::new();
    let _kept = world.anet(&["run", "kept", "--", "sleep", "1000"]).done();
    for arguments in [
        &["node", "start", "nobody"][..],
        &["node", "stop", "nobody"],
        &["node", "restart", "nobody"],
        &["node", "delete", "nobody"],
        &["node", "rename", "nobody", "somebody"],
        &["node", "env", "ls", "nobody"],
        &["node", "migrate-token-to-envref", "nobody"],
        &["info", "nobody"],
        &["logs", "nobody"],
        &["events", "nobody"],
        &["project", "up", "--only", "nobody"],
        &["doctor", "nobody"],
    ] {
        let refused = world.anet(arguments).failed(4);
        assert!(refused.stderr.contains("nobody"), "{arguments:?}: {refused:?}");
    }
}

#[test]
fn five_says_that_it_is_not_done_yet_and_goes_on() {
    let world = World::new();
    std::fs::write(settings(&world), "[defaults]\nready-timeout = \"1s\"\n").unwrap();
    let _kept = world.anet(&["run", "late", "--notify", "--", "sleep", "1000"]).failed(5);
    let start = world.anet(&["node", "start", "late", "--wait", "1s"]).failed(5);
    assert!(start.stderr.contains("within 1 s"), "{start:?}");
    assert_eq!(world.node("late")["process"]["state"], "starting", "it goes on");
}

#[test]
fn six_says_that_no_supervisor_answers() {
    let world = World::new();
    for arguments in
        [&["supervisor", "reload"][..], &["apply"], &["logs", "hub"], &["node", "stop", "nobody"], &["project", "down"]]
    {
        std::fs::create_dir_all(world.project.join(".anet/nodes/a")).unwrap();
        let _refused = world.anet(arguments).failed(6);
    }
    let elsewhere = world.home.join("no.sock");
    let _refused = world.anet(&["--supervisor", elsewhere.to_str().unwrap(), "node", "ls"]).failed(6);
}

#[test]
fn seventy_eight_says_that_a_configuration_cannot_be_used() {
    let world = World::new();
    let settings = settings(&world);
    std::fs::write(&settings, "nonsense = 1\n").unwrap();
    let start = world.anet(&["supervisor", "start"]).failed(78);
    assert!(start.stderr.contains("supervisor.toml"), "{start:?}");
    std::fs::remove_file(&settings).unwrap();
    let _kept = world.anet(&["run", "kept", "--", "sleep", "1000"]).done();
    std::fs::write(&settings, "nonsense = 1\n").unwrap();
    for arguments in [&["supervisor", "reload"][..], &["apply"]] {
        let _refused = world.anet(arguments).failed(78);
    }
    std::fs::write(world.project.join(".anet/programs/kept/config.json"), "{").unwrap();
    let _refused = world.anet(&["node", "restart", "kept"]).failed(78);
    std::fs::write(&settings, "[supervisor]\noperator-group = \"nosuchgroup\"\n").unwrap();
    let read = world.anet(&["supervisor", "reload"]).done();
    assert!(read.stderr.contains("operators are not served: there is no group nosuchgroup"), "{read:?}");
    std::fs::write(&settings, "").unwrap();
}

#[test]
fn what_is_as_it_should_be_already_is_done() {
    let world = World::new();
    let _kept = world.anet(&["run", "kept", "--", "sleep", "1000"]).done();
    let again = world.anet(&["node", "start", "kept", "--json"]).done();
    assert_eq!(again.json()["changed"], false);
    let _stopped = world.anet(&["node", "stop", "kept"]).done();
    let again = world.anet(&["node", "stop", "kept", "--json"]).done();
    assert_eq!((&again.json()["changed"], &again.json()["node"]["state"]), (&false.into(), &"stopped".into()));
    let _stopped = world.anet(&["hub", "stop"]).done();
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    let _stopped = world.anet(&["supervisor", "stop"]).done();
}

#[test]
fn two_restarts_at_once_both_say_done() {
    let world = World::new();
    let _kept = world.anet(&["run", "kept", "--", "sleep", "1000"]).done();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| world.anet(&["node", "restart", "kept"]).done());
        }
    });
    wait_until("it runs", || (world.node("kept")["state"] == "running").then_some(()));
}
