use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anet_tests::{World, anet_program, process_is_alive, wait_until};

/// A supervisor that runs from a copy of the program, which an installer may replace.
fn installed(world: &World) -> PathBuf {
    let program = world.directory().join("anet");
    fs::copy(anet_program(), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["supervisor", "start"]).env_clear().env("HOME", &world.home).current_dir(&world.project);
    assert!(command.env("PATH", "/usr/bin:/bin").status().unwrap().success());
    program
}

#[test]
fn an_upgrade_in_place_restarts_neither_hub_nor_nodes_and_keeps_the_supervisors_number() {
    let world = World::new();
    let program = installed(&world);
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let before = (world.supervisor_pid(), world.hub_pid(), world.node_pid("writer"));
    // As an installer does it: the new file takes the name of the old one.
    let new = world.directory().join("anet.new");
    fs::copy(anet_program(), &new).unwrap();
    fs::rename(&new, &program).unwrap();
    let status = world.anet(&["supervisor", "status"]).done();
    assert!(status.stdout.contains("anet supervisor upgrade"), "{status:?}");

    let upgraded = world.anet(&["supervisor", "upgrade", "--json"]).done();
    assert_eq!(upgraded.json()["executable"].as_str().unwrap(), program.to_str().unwrap());
    assert_eq!(upgraded.json()["executable_is_current"], true);
    assert_eq!((world.supervisor_pid(), world.hub_pid(), world.node_pid("writer")), before);
    let id = world.send("writer", "still there?");
    let _task = world.wait_for_task(&id, "replied");

    // It is a whole supervisor: it stops and starts what it took over, and leaves when told to.
    let _stopped = world.anet(&["node", "stop", "writer"]).done();
    assert!(!process_is_alive(before.2));
    let _started = world.anet(&["node", "start", "writer"]).done();
    assert_eq!(world.node("writer")["version"], upgraded.json()["version"]);
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    assert!(!process_is_alive(before.0));
}

#[test]
fn a_program_that_is_none_is_not_taken_over() {
    let world = World::new();
    let _started = world.anet(&["supervisor", "start"]).done();
    let pid = world.supervisor_pid();
    let run = world.anet(&["supervisor", "upgrade", "--executable", "/bin/true"]).failed(1);
    assert!(
        run.stderr.contains("/bin/true is not taken over") || run.stderr.contains("true is not taken over"),
        "{run:?}"
    );
    assert!(run.stderr.contains("hint: nothing was changed"), "{run:?}");
    assert_eq!(world.supervisor_pid(), pid);
}

#[test]
fn the_fleet_is_renewed_one_by_one_and_a_busy_node_is_waited_for() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("idle", "cat");
    world.start_node("busy", "while [ ! -e go ]; do sleep 0.05; done; cat");
    let before = (world.node_pid("busy"), world.node_pid("idle"));
    let id = world.send("busy", "long work");
    let _task = world.wait_for_task(&id, "running");
    wait_until("the supervisor knows of the work", || (world.node("busy")["work"]["value"] == 1).then_some(()));
    // By name "busy" comes first; in no time it does not finish, and nothing is restarted.
    let run = world.anet(&["node", "restart", "--all", "--rolling", "--wait", "0", "--json"]).failed(5);
    assert_eq!(run.json()["busy"][0], "busy");
    assert_eq!((world.node_pid("busy"), world.node_pid("idle")), before);
    let run = world.anet(&["node", "restart", "--all", "--rolling", "--wait", "0", "--skip-busy"]).failed(5);
    assert!(run.stderr.contains("busy still works on 1 task"), "{run:?}");
    assert_eq!(world.node_pid("busy"), before.0);
    let idle = world.node_pid("idle");
    assert_ne!(idle, before.1);

    let rolling = world.command_in(&world.project, &["node", "restart", "--all", "--rolling"]).spawn().unwrap();
    fs::write(world.project.join("go"), "").unwrap();
    assert!(rolling.wait_with_output().unwrap().status.success());
    let task = world.wait_for_task(&id, "replied");
    assert_eq!(task["attempt"].as_u64().unwrap_or(1), 1, "the work was cut off: {task}");
    assert!(world.node_pid("busy") != before.0 && world.node_pid("idle") != idle);
}

#[test]
fn a_node_with_a_queue_is_restarted_between_two_tasks_and_each_task_is_done_once() {
    let world = World::new();
    let _url = world.start_hub();
    let script = "task=$(cat); echo \"$task $PPID\" >> done; [ \"$task\" != first ] || while [ ! -e go ]; do sleep 0.05; done; echo ok";
    world.start_node("queued", script);
    let before = world.node_pid("queued");
    let first = world.send("queued", "first");
    let _task = world.wait_for_task(&first, "running");
    let later: Vec<String> = (0..5).map(|number| world.send("queued", &format!("later-{number}"))).collect();

    let rolling = world.command_in(&world.project, &["node", "restart", "--all", "--rolling"]).spawn().unwrap();
    wait_until("it is drained", || (world.node("queued")["state"] == "draining").then_some(()));
    fs::write(world.project.join("go"), "").unwrap();
    assert!(rolling.wait_with_output().unwrap().status.success());
    let after = world.node_pid("queued");
    assert_ne!(after, before);
    for id in std::iter::once(&first).chain(&later) {
        let task = world.wait_for_task(id, "replied");
        assert_eq!(task["attempt"].as_u64().unwrap_or(1), 1, "a task was given back: {task}");
    }
    let done = fs::read_to_string(world.project.join("done")).unwrap();
    let by = |pid: u32| done.lines().filter(|line| line.ends_with(&format!(" {pid}"))).count();
    assert_eq!((by(before), by(after)), (1, 5), "{done}");
}

#[test]
fn a_node_whose_restart_was_given_up_takes_tasks_again() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("busy", "while [ ! -e go ]; do sleep 0.05; done; cat");
    let before = world.node_pid("busy");
    let first = world.send("busy", "long work");
    let _task = world.wait_for_task(&first, "running");
    let mut rolling = world.command_in(&world.project, &["node", "restart", "--all", "--rolling"]).spawn().unwrap();
    wait_until("it is drained", || (world.node("busy")["state"] == "draining").then_some(()));
    // As by Ctrl-C.
    rolling.kill().unwrap();
    let _status = rolling.wait().unwrap();
    wait_until("it goes on", || (world.node("busy")["state"] == "running").then_some(()));
    let second = world.send("busy", "more");
    fs::write(world.project.join("go"), "").unwrap();
    for id in [&first, &second] {
        let _task = world.wait_for_task(id, "replied");
    }
    assert_eq!(world.node_pid("busy"), before);
}

#[test]
fn all_nodes_are_stopped_and_started_with_one_command() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("one", "cat");
    world.start_node("two", "cat");
    let stopped = world.anet(&["node", "stop", "--all", "--json"]).done().json();
    assert_eq!(stopped["done"], serde_json::json!(["one", "two"]));
    let started = world.anet(&["node", "start", "--all", "--json"]).done().json();
    assert_eq!(started["done"], serde_json::json!(["one", "two"]));
    assert_eq!(world.node("two")["state"], "running");
    let run = world.anet(&["node", "stop", "one", "--all"]).failed(2);
    assert!(run.stderr.contains("--all"), "{run:?}");
    let _usage = world.anet(&["node", "stop"]).failed(2);
}

#[test]
fn apply_restarts_what_was_edited_and_nothing_else() {
    let world = World::new();
    // By itself an edit would be applied as soon as the node is idle.
    let ask = "[defaults]\nenv-change = \"ask\"\n";
    let ask = &format!("{ask}[node.ghost]\nrestart = \"never\"\n");
    fs::create_dir_all(world.home.join(".anet")).unwrap();
    fs::write(world.home.join(".anet/supervisor.toml"), ask).unwrap();
    let _url = world.start_hub();
    world.start_node("edited", "cat");
    world.start_node("left", "cat");
    let before = (world.node_pid("edited"), world.node_pid("left"));
    let file = world.node_directory("edited").join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config["model"] = "another".into();
    fs::write(&file, config.to_string()).unwrap();
    let dry = world.anet(&["apply", "--dry-run"]).done();
    assert!(dry.stdout.contains("restart   edited: other configuration"), "{dry:?}");
    assert!(dry.stderr.contains("[node.ghost] has no effect") && !dry.stderr.contains("edited]"), "{dry:?}");
    assert_eq!((world.node_pid("edited"), world.node_pid("left")), before);

    let faulty = world.home.join(".anet/supervisor.toml");
    fs::write(&faulty, "[node.left]\nmemory_max = \"1G\"\n").unwrap();
    let run = world.anet(&["apply"]).failed(78);
    assert!(run.stderr.contains("supervisor.toml:2:1: unknown field `memory_max`"), "{run:?}");
    assert_eq!(world.node_pid("edited"), before.0);
    fs::write(&faulty, ask).unwrap();

    let applied = world.anet(&["apply", "--json"]).done().json();
    assert_eq!(applied["restarted"], serde_json::json!(["edited"]));
    assert_ne!(world.node_pid("edited"), before.0);
    assert_eq!(world.node_pid("left"), before.1);
    let again = world.anet(&["apply", "--json"]).done().json();
    assert_eq!(again["restarted"], serde_json::json!([]));
}

#[test]
fn a_supervisor_refuses_to_start_with_a_faulty_settings_file_and_names_the_place() {
    let world = World::new();
    fs::create_dir_all(world.home.join(".anet")).unwrap();
    fs::write(world.home.join(".anet/supervisor.toml"), "[defaults]\nrestart = \"maybe\"\n").unwrap();
    let run = world.anet(&["supervisor", "run"]).failed(76);
    assert!(run.stderr.contains("supervisor.toml:2:11: unknown variant `maybe`"), "{run:?}");
    let run = world.anet(&["supervisor", "start"]).failed(78);
    assert!(run.stderr.contains("supervisor.toml:2:11"), "{run:?}");
}

#[test]
fn a_hangup_makes_the_supervisor_read_its_settings_again_and_go_on() {
    let world = World::new();
    let _started = world.anet(&["supervisor", "start"]).done();
    let pid = world.supervisor_pid();
    let log = world.home.join(".anet/supervisor/logs/supervisor.log");
    fs::write(world.home.join(".anet/supervisor.toml"), "nonsense = 1\n").unwrap();
    assert!(Command::new("kill").args(["-HUP", &pid.to_string()]).status().unwrap().success());
    wait_until("the fault is told", || {
        fs::read_to_string(&log).unwrap_or_default().contains("unknown field `nonsense`").then_some(())
    });
    assert_eq!(world.supervisor_pid(), pid);
}
