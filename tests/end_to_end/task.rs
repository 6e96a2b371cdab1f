use std::fs;

use anet_tests::{World, kill_process, wait_until};
use serde_json::Value;

/// An agent that writes its task into `done`, one line per execution that came to its end.
const NOTE: &str = "task=$(cat); echo \"$task\" >>done; echo \"did $task\"";

fn executions(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.project.join("done")).unwrap_or_default();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_task_is_done_and_its_answer_printed() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "tr a-z A-Z");
    let run = world.anet(&["send", "writer", "hello", "--wait"]).done();
    assert_eq!(run.stdout, "HELLO\n");
    let tasks = world.anet(&["tasks", "--json"]).done().json();
    let task = &tasks["tasks"][0];
    assert_eq!((task["status"].as_str(), task["from_name"].as_str()), (Some("replied"), Some("admin")));
    for stamp in ["created_at", "delivered_at", "received_at", "acked_at", "started_at", "completed_at"] {
        assert!(task[stamp].is_string(), "{stamp} is stamped: {task}");
    }
    let id = task["task_id"].as_str().unwrap();
    assert_eq!(world.history(id), ["delivered", "delivered", "acked", "running", "replied"]);
    let stdin = world.anet(&["task", id]).done();
    assert!(stdin.stdout.contains("Status:    replied") && stdin.stdout.contains("HELLO"), "{stdin:?}");
}

#[test]
fn a_failing_program_is_a_failed_task_with_its_last_words() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat >/dev/null; echo 'the disk is made of cheese' >&2; exit 3");
    let run = world.anet(&["send", "writer", "hello", "--wait"]).failed(1);
    assert!(run.stderr.contains("the disk is made of cheese") && run.stdout.is_empty(), "{run:?}");
    let task = &world.anet(&["tasks", "failed", "--json"]).done().json()["tasks"][0];
    assert_eq!(task["error"]["code"], "exit_status", "{task}");
}

#[test]
fn an_unknown_name_stores_nothing_and_suggests_near_ones() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let run = world.anet(&["send", "writr", "hello"]).failed(1);
    assert!(run.stderr.contains("writr") && run.stderr.contains("did you mean writer?"), "{run:?}");
    assert_eq!(world.anet(&["tasks", "--json"]).done().json()["tasks"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_task_for_an_offline_node_waits_for_it_and_says_so() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "tr a-z A-Z");
    let run = world.anet(&["send", "writer", "hello", "--json"]).done();
    assert!(run.stderr.contains("offline"), "{run:?}");
    let sent = run.json();
    assert_eq!((sent["queued"].as_bool(), sent["online"].as_bool()), (Some(true), Some(false)));
    let _started = world.anet(&["node", "start", "writer"]).done();
    let task = world.wait_for_task(sent["task_id"].as_str().unwrap(), "replied");
    assert_eq!(task["result"].as_str().unwrap().trim(), "HELLO");
}

#[test]
fn a_part_is_given_to_a_colleague_without_a_token() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("reader", "tr a-z A-Z");
    world.start_node(
        "lead",
        "task=$(cat); answer=$(anet send reader \"$task\" --wait); echo \"reader said $answer\"; ls -a \"$HOME/.anet\" | grep -c nothing || true",
    );
    let run = world.anet(&["send", "lead", "hello", "--wait"]).done();
    assert!(run.stdout.contains("reader said HELLO"), "{run:?}");
    let tasks = world.anet(&["tasks", "--json"]).done().json();
    let tasks = tasks["tasks"].as_array().unwrap().clone();
    let to = |name: &str| tasks.iter().find(|task| task["to_name"] == name).unwrap().clone();
    let (part, whole): (Value, Value) = (to("reader"), to("lead"));
    assert_eq!(part["parent_task_id"], whole["task_id"]);
    assert_eq!(part["from_name"], "lead");
}

#[test]
fn the_same_key_means_the_same_task() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", NOTE);
    let send = |text: &str| world.anet(&["send", "writer", text, "--idempotency-key", "order-7"]);
    let (first, second) = (send("once").done().stdout, send("once").done().stdout);
    assert_eq!(first, second);
    let _task = world.wait_for_task(first.trim(), "replied");
    let other = send("something else").failed(1);
    assert!(other.stderr.contains("key"), "{other:?}");
    assert_eq!(executions(&world), ["once"]);
}

#[test]
fn fifty_tasks_at_once_are_each_done_once() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", NOTE);
    let texts: Vec<String> = (0..50).map(|number| format!("task {number:02}")).collect();
    let children: Vec<_> = texts
        .iter()
        .map(|text| {
            let mut command = world.command_in(&world.project, &["send", "writer", text, "--wait"]);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (child, text) in children.into_iter().zip(&texts) {
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), format!("did {text}"));
    }
    assert_eq!(executions(&world), texts);
}

#[test]
fn a_node_killed_in_the_middle_of_a_task_does_it_again_and_once_only_to_the_end() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node(
        "writer",
        "task=$(cat); [ \"$ANET_TASK_ATTEMPT\" != 1 ] || sleep 1000; echo \"$task\" >>done; echo \"did $task\"",
    );
    let id = world.send("writer", "it");
    let _running = world.wait_for_task(&id, "running");
    kill_process(world.node_pid("writer"));
    let task = world.wait_for_task(&id, "replied");
    assert_eq!((task["attempt"].as_u64(), executions(&world)), (Some(2), vec!["it".to_owned()]));
    let ends = world.history(&id).iter().filter(|state| *state == "replied").count();
    assert_eq!(ends, 1);
}

#[test]
fn a_hub_killed_during_a_task_loses_nothing_and_the_task_is_not_begun_again() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "task=$(cat); echo begun >>begun; while [ ! -e go ]; do sleep 0.05; done; echo \"$task\" >>done; echo \"did $task\"");
    let id = world.send("writer", "it");
    let _running = world.wait_for_task(&id, "running");
    kill_process(world.hub_pid());
    wait_until("the hub is back", || (world.anet(&["whoami"]).code == 0).then_some(()));
    fs::write(world.project.join("go"), "").unwrap();
    let task = world.wait_for_task(&id, "replied");
    assert_eq!((task["attempt"].as_u64(), executions(&world)), (Some(1), vec!["it".to_owned()]));
    assert_eq!(fs::read_to_string(world.project.join("begun")).unwrap(), "begun\n");
}

#[test]
fn a_supervisor_killed_with_three_nodes_busy_costs_nothing() {
    let world = World::new();
    let _url = world.start_hub();
    let script = "task=$(cat); while [ ! -e go ]; do sleep 0.05; done; echo \"$task\" >>done; echo \"did $task\"";
    let names = ["ann", "bob", "cid"];
    let ids = names.map(|name| {
        world.start_node(name, script);
        let id = world.send(name, name);
        let _running = world.wait_for_task(&id, "running");
        id
    });
    let (hub, pids) = (world.hub_pid(), names.map(|name| world.node_pid(name)));
    kill_process(world.supervisor_pid());
    let _back = world.anet(&["supervisor", "start"]).done();
    assert_eq!((world.hub_pid(), names.map(|name| world.node_pid(name))), (hub, pids), "the same processes go on");
    fs::write(world.project.join("go"), "").unwrap();
    for id in &ids {
        assert_eq!(world.wait_for_task(id, "replied")["attempt"], 1);
    }
    assert_eq!(executions(&world), names);
    kill_process(pids[0]);
    wait_until("an adopted node that dies is replaced", || {
        let node = world.node("ann");
        (node["state"] == "running" && node["pid"] != pids[0]).then_some(())
    });
}

#[test]
fn who_waits_for_an_answer_waits_out_a_hub_that_is_killed() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "task=$(cat); while [ ! -e go ]; do sleep 0.05; done; echo \"did $task\"");
    let mut command = world.command_in(&world.project, &["send", "writer", "it", "--wait"]);
    let waiting = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let id = wait_until("the task runs", || {
        let tasks = world.anet(&["tasks", "running", "--json"]).done().json();
        tasks["tasks"][0]["task_id"].as_str().map(str::to_owned)
    });
    kill_process(world.hub_pid());
    fs::write(world.project.join("go"), "").unwrap();
    let output = waiting.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap().as_str()), (Some(0), "did it\n"));
    assert_eq!(world.task(&id)["attempt"], 1);
}

#[test]
fn who_has_waited_long_enough_is_told_that_the_task_goes_on() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let arguments = ["send", "writer", "it", "--wait", "--wait-timeout", "1s", "--json"];
    let run = world.anet(&arguments).failed(5);
    let error: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(error["code"], "wait_timeout", "{run:?}");
}

#[test]
fn an_answer_reaches_a_pipe_byte_for_byte() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat >/dev/null; printf 'a\\033[31mred\\000b'");
    let run = world.anet(&["send", "writer", "it", "--wait"]).done();
    assert_eq!(run.stdout, "a\u{1b}[31mred\0b\n");
}

#[test]
fn a_cancelled_task_ends_the_agent_that_works_on_it() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "echo $$ >pid; exec sleep 1000");
    let id = world.send("writer", "it");
    let pid = wait_until("the agent runs", || fs::read_to_string(world.project.join("pid")).ok()?.trim().parse().ok());
    let _cancelled = world.anet(&["cancel", &id, "--reason", "changed my mind"]).done();
    wait_until("the agent is gone", || (!anet_tests::process_is_alive(pid)).then_some(()));
    assert_eq!(world.task(&id)["status"], "cancelled");
}

#[test]
fn an_answer_beyond_a_mebibyte_is_an_artifact() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat >/dev/null; head -c 3000000 /dev/zero | tr '\\0' x");
    let id = world.send("writer", "much");
    let task = world.wait_for_task(&id, "replied");
    let artifact = &task["artifacts"][0];
    assert_eq!(artifact["bytes"], 3_000_000);
    assert_eq!(fs::metadata(artifact["path"].as_str().unwrap()).unwrap().len(), 3_000_000);
    assert!(task["result"].as_str().unwrap().len() <= 1_048_576);
}
