use std::fs;
use std::process::{Command, Stdio};

use anet_tests::{World, anet_program, environment_of, kill_process, process_is_alive, processes_of, wait_until};

#[test]
fn of_many_that_start_it_at_once_one_wins_and_all_succeed() {
    let world = World::new();
    let starts: Vec<_> = (0..64)
        .map(|_| {
            let mut command = world.command_in(&world.project, &["supervisor", "start", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for start in starts {
        let output = start.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    wait_until("the others have left", || (processes_of(&world.home).len() == 1).then_some(()));
    assert_eq!(processes_of(&world.home)[0].0, world.supervisor_pid());
}

#[test]
fn stopping_it_stops_everything_and_starting_it_brings_back_what_ran() {
    let world = World::new();
    let url = world.start_hub();
    world.start_node("runs", "cat");
    world.start_node("rests", "cat");
    let _stopped = world.anet(&["node", "stop", "rests"]).done();
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    assert_eq!(processes_of(&world.home), []);

    let _started = world.anet(&["supervisor", "start"]).done();
    wait_until("the hub and the node are back", || {
        let status = world.anet(&["supervisor", "status", "--json"]).done().json();
        let node = world.node("runs");
        (status["hub"]["state"] == "running" && status["hub"]["url"] == url && node["state"] == "running").then_some(())
    });
    assert_eq!(world.node("rests")["state"], "stopped", "what was stopped on purpose stays so");
    let id = world.send("runs", "again");
    let _task = world.wait_for_task(&id, "replied");
}

#[test]
fn left_running_its_children_are_taken_over() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let pids = (world.hub_pid(), world.node_pid("writer"));
    let _stopped = world.anet(&["supervisor", "stop", "--leave-running"]).done();
    assert!(process_is_alive(pids.0) && process_is_alive(pids.1));
    let _started = world.anet(&["supervisor", "start"]).done();
    assert_eq!((world.hub_pid(), world.node_pid("writer")), pids);
}

#[test]
fn a_killed_one_leaves_a_stale_socket_that_hinders_nobody() {
    let world = World::new();
    let _started = world.anet(&["supervisor", "start"]).done();
    let pid = world.supervisor_pid();
    kill_process(pid);
    wait_until("it is dead", || (!process_is_alive(pid)).then_some(()));
    assert!(world.home.join(".anet/run/supervisor.sock").exists(), "the socket is stale");
    let stopped = world.anet(&["supervisor", "status"]).failed(1);
    assert!(stopped.stdout.contains("not running"), "{stopped:?}");
    let _started = world.anet(&["supervisor", "start"]).done();
    assert_ne!(world.supervisor_pid(), pid);
}

#[test]
fn a_stop_without_a_supervisor_ends_what_a_dead_one_left_and_nothing_else() {
    let world = World::new();
    let nothing = world.anet(&["supervisor", "stop", "--json"]).done().json();
    assert_eq!(nothing["left_running"], serde_json::json!([]));
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let hub = world.hub_pid();
    kill_process(world.supervisor_pid());
    let run = world.anet(&["supervisor", "stop", "--leave-running", "--json"]).done();
    assert_eq!(run.json()["left_running"], serde_json::json!(["hub", "writer"]));
    assert!(run.stderr.contains(&format!("hub (pid {hub})")) && run.stderr.contains("hint:"), "{run:?}");
    assert!(process_is_alive(hub));
    let mut stranger = Command::new("sleep").arg("1000").env("HOME", world.directory()).spawn().unwrap();
    let run = world.anet(&["supervisor", "stop", "--json"]).done();
    assert_eq!(run.json()["stopped"], serde_json::json!(["writer", "hub"]));
    assert_eq!(processes_of(&world.home), []);
    assert!(process_is_alive(stranger.id()), "what no supervisor started is nobody's to end");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let again = world.anet(&["supervisor", "stop", "--json"]).done().json();
    assert_eq!(again["stopped"], serde_json::json!([]));
    // As with any stop of a supervisor, the next one brings back what was running.
    let _started = world.anet(&["supervisor", "start"]).done();
    wait_until("the node is back", || (world.node("writer")["state"] == "running").then_some(()));
}

#[test]
fn a_program_file_that_was_replaced_is_noticed() {
    let world = World::new();
    let program = world.directory().join("anet");
    fs::copy(anet_program(), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["supervisor", "start"]).env_clear().env("HOME", &world.home).current_dir(&world.project);
    assert!(command.status().unwrap().success());
    let status = world.anet(&["supervisor", "status", "--json"]).done().json();
    assert_eq!(status["executable_is_current"], true);

    let replacement = world.directory().join("replacement");
    fs::copy(anet_program(), &replacement).unwrap();
    fs::rename(&replacement, &program).unwrap();
    let status = world.anet(&["supervisor", "status"]).done();
    assert!(status.stdout.contains("moved or replaced"), "{status:?}");
}

#[test]
fn it_does_not_inherit_the_secrets_of_the_shell_that_started_it() {
    let world = World::new();
    let mut command = world.command_in(&world.project, &["hub", "start", "--port", "0"]);
    let output = command.env("SHELL_SECRET", "canary-0123456789").env("ANET_TASK_ID", "t").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    world.start_node("writer", "env");
    let environment = world.anet(&["send", "writer", "tell", "--wait"]).done();
    assert!(!environment.stdout.contains("canary"), "{environment:?}");
    for pid in [world.hub_pid(), world.node_pid("writer")] {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!String::from_utf8_lossy(&environment).contains("canary"), "{pid}");
    }
}

#[test]
fn one_that_an_agent_starts_is_no_part_of_the_agent_and_outlives_its_node() {
    let (outer, inner) = (World::new(), World::new());
    let _url = outer.start_hub();
    let start = format!(
        "cd {} && HOME={} {} supervisor start",
        inner.project.display(),
        inner.home.display(),
        anet_program().display()
    );
    outer.start_node("keeper", &format!("{start} >&2 && echo started"));
    let answer = outer.anet(&["send", "keeper", "start it", "--wait"]).done();
    assert_eq!(answer.stdout.trim(), "started");
    let pid = inner.supervisor_pid();
    assert!(process_is_alive(pid), "it ended with the task");
    let environment = environment_of(pid).unwrap_or_default();
    assert!(!environment.contains("ANET_INSTANCE_ID=") && !environment.contains("ANET_TASK_"), "{environment}");

    let _stopped = outer.anet(&["node", "stop", "keeper"]).done();
    let _stopped = outer.anet(&["supervisor", "stop"]).done();
    assert!(process_is_alive(pid), "it ended with the node");
    // What it starts has marks of its own.
    let _url = inner.start_hub();
    assert!(process_is_alive(inner.hub_pid()));
}
