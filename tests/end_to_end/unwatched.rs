//! The supervisor was killed, and commands are typed before another one runs.

use anet_tests::{World, kill_process, process_is_alive, wait_until};

fn kill_supervisor(world: &World) {
    let pid = world.supervisor_pid();
    kill_process(pid);
    wait_until("the supervisor is gone", || (!process_is_alive(pid)).then_some(()));
}

#[test]
fn what_lives_is_shown_and_a_stop_of_one_ends_it_and_leaves_the_others() {
    let world = World::new();
    for name in ["a", "b"] {
        let _kept = world.anet(&["run", name, "--", "sleep", "1000"]).done();
    }
    let (a, b) = (world.node_pid("a"), world.node_pid("b"));
    kill_supervisor(&world);
    let shown = world.anet(&["node", "ls"]).done();
    assert!(shown.stderr.contains("of 2 nodes it is only known that the process is alive"), "{shown:?}");
    assert_eq!((&world.node("a")["state"], world.node_pid("a")), (&"unknown".into(), a));
    let stopped = world.anet(&["node", "stop", "a"]).done();
    assert!(stopped.stderr.contains("a is stopped"), "{stopped:?}");
    assert_eq!((process_is_alive(a), world.node_pid("b")), (false, b));
    assert_eq!(world.node("a")["desired"], "stopped");
}

#[test]
fn a_hub_that_lives_is_not_called_nothing_and_is_stopped_and_restarted() {
    let world = World::new();
    let _url = world.start_hub();
    let pid = world.hub_pid();
    kill_supervisor(&world);
    let shown = world.anet(&["node", "ls"]).done();
    assert!(shown.stderr.contains("; of the hub it is only known"), "{shown:?}");
    let restarted = world.anet(&["hub", "restart"]).done();
    assert!(restarted.stderr.contains("the hub is running again"), "{restarted:?}");
    assert!(!process_is_alive(pid));
    let pid = world.hub_pid();
    kill_supervisor(&world);
    let stopped = world.anet(&["hub", "stop"]).done();
    assert!(stopped.stderr.contains("the hub is stopped"), "{stopped:?}");
    assert!(!process_is_alive(pid));
}

#[test]
fn with_both_state_files_lost_everything_is_still_found_and_stopped() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let _started = world.anet(&["node", "start", "writer"]).done();
    let _kept = world.anet(&["run", "kept", "--", "sleep", "1000"]).done();
    let pids = [world.hub_pid(), world.node_pid("writer"), world.node_pid("kept")];
    let lose = || {
        for name in ["state.json", "state-latest.json"] {
            std::fs::write(world.home.join(".anet/supervisor").join(name), "{").unwrap();
        }
    };
    kill_supervisor(&world);
    lose();
    let shown = world.anet(&["node", "ls"]).done();
    assert!(shown.stderr.contains("of the hub and of 2 nodes"), "{shown:?}");
    let _started = world.anet(&["supervisor", "start"]).done();
    for name in ["writer", "kept"] {
        let _same = world.anet(&["node", "start", name]).done();
    }
    assert_eq!([world.hub_pid(), world.node_pid("writer"), world.node_pid("kept")], pids);
    kill_supervisor(&world);
    lose();
    let stopped = world.anet(&["supervisor", "stop"]).done();
    assert!(stopped.stderr.contains("stopped what it had left running"), "{stopped:?}");
    assert!(pids.iter().all(|pid| !process_is_alive(*pid)));
}
