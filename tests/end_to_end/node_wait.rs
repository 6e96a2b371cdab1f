//! `--wait`: how long a command waits for what it began (R58).

use anet_tests::{World, wait_until};

/// A program that does not leave when it is asked to.
const STUBBORN: &str = "trap '' TERM; touch deaf; while :; do sleep 0.1; done";

#[test]
fn who_has_waited_long_enough_is_told_so_by_the_exit_code_and_what_was_begun_goes_on() {
    let world = World::new();
    let _kept = world.anet(&["run", "stubborn", "--", "sh", "-c", STUBBORN]).done();
    wait_until("it hears no request to leave", || world.project.join("deaf").exists().then_some(()));
    let pid = world.node_pid("stubborn");
    std::fs::remove_file(world.project.join("deaf")).unwrap();
    let restart = world.anet(&["node", "restart", "stubborn", "--wait", "1s"]).failed(5);
    assert!(restart.stderr.contains("stubborn is not ready again within 1 s; what was begun goes on"), "{restart:?}");
    wait_until("it was restarted all the same", || {
        let node = world.node("stubborn");
        (node["pid"].is_u64() && node["pid"] != pid).then_some(())
    });
    wait_until("it hears no request to leave", || world.project.join("deaf").exists().then_some(()));
    let stop = world.anet(&["node", "stop", "stubborn", "--wait", "1s", "--json"]).failed(5);
    assert!(stop.stderr.contains("is not stopped within 1 s"), "{stop:?}");
    wait_until("it is stopped all the same", || (world.node("stubborn")["state"] == "stopped").then_some(()));
}

#[test]
fn a_command_returns_when_it_is_done_and_not_when_it_might_have_waited_longer() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    for (verb, state) in [("start", "running"), ("restart", "running"), ("stop", "stopped"), ("stop", "stopped")] {
        // An hour; nobody waits that long for this test.
        let _done = world.anet(&["node", verb, "writer", "--wait", "1h"]).done();
        assert_eq!(world.node("writer")["state"], state, "{verb}");
    }
}
