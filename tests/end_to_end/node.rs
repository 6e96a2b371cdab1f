use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use anet_tests::{World, kill_process, process_is_alive, processes_of, wait_until};

#[test]
fn a_started_node_is_ready_and_the_hub_sees_it() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let node = world.node("counter");
    assert_eq!((node["state"].as_str(), node["runtime"].as_str()), (Some("running"), Some("command")));
    assert_eq!(node["project"].as_str().unwrap(), world.project.to_str().unwrap());
    let sessions = world.anet(&["status", "--json"]).done().json()["sessions"].clone();
    assert_eq!(sessions[0]["alias"], "counter");
    assert_eq!(sessions[0]["connected"], true);
    assert_eq!(sessions[0]["pid"], node["pid"]);
}

#[test]
fn a_second_start_changes_nothing_and_says_so() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let pid = world.node_pid("counter");
    let again = world.anet(&["node", "start", "counter"]).done();
    assert!(again.stderr.contains("was already running"), "{again:?}");
    assert_eq!(world.node_pid("counter"), pid);
}

#[test]
fn a_restarted_node_is_another_process_and_works_on() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let pid = world.node_pid("counter");
    let restarted = world.anet(&["node", "restart", "counter", "--json"]).done().json();
    assert_eq!(restarted["changed"], true, "{restarted}");
    assert_ne!(world.node_pid("counter"), pid);
    let id = world.send("counter", "again");
    let waited = world.anet(&["task", &id, "--wait", "--json"]).done().json();
    assert_eq!(waited["task"]["status"], "replied");
}

#[test]
fn a_node_is_found_from_any_directory() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let elsewhere = world.directory().to_path_buf();
    let _stopped = world.anet_in(&elsewhere, &["node", "stop", "counter"]).done();
    assert_eq!(world.node("counter")["state"], "stopped");
    let _started = world.anet_in(&elsewhere, &["node", "start", "counter"]).done();
    assert_eq!(world.node("counter")["state"], "running");
}

#[test]
fn one_name_in_two_projects_asks_which() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let other = world.directory().join("other");
    fs::create_dir_all(other.join(".anet/nodes")).unwrap();
    copy_directory(&world.node_directory("counter"), &other.join(".anet/nodes/counter"));
    fs::copy(world.project.join("counter.sh"), other.join("counter.sh")).unwrap();
    let _stopped = world.anet(&["node", "stop", "counter"]).done();
    let _started = world.anet_in(&other, &["node", "start", "counter"]).done();
    let run = world.anet_in(world.directory(), &["node", "stop", "counter"]).failed(1);
    assert!(run.stderr.contains("--project"), "{run:?}");
    assert!(run.stderr.contains(other.to_str().unwrap()), "{run:?}");
    let _stopped =
        world.anet_in(world.directory(), &["node", "stop", "counter", "--project", other.to_str().unwrap()]).done();
}

#[test]
fn a_copy_of_a_running_node_is_refused_by_name() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let pid = world.node_pid("counter");
    let other = world.directory().join("other");
    fs::create_dir_all(other.join(".anet/nodes")).unwrap();
    copy_directory(&world.node_directory("counter"), &other.join(".anet/nodes/counter"));
    fs::copy(world.project.join("counter.sh"), other.join("counter.sh")).unwrap();

    let run = world.anet_in(&other, &["node", "start", "counter"]).failed(1);
    assert!(run.stderr.contains("counter") && run.stderr.contains(&pid.to_string()), "the holder is named: {run:?}");
    assert!(process_is_alive(pid), "the first copy works on");
    let id = world.send("counter", "still there");
    assert_eq!(world.wait_for_task(&id, "replied")["result"].as_str().unwrap().trim(), "still there");
}

#[test]
fn names_that_cannot_be_names_are_usage_errors_and_create_nothing() {
    let world = World::new();
    let _url = world.start_hub();
    for name in ["", "two words", "a/b", "../up", "a.b", "a:b", "a*", "-dash"] {
        let run = world.anet(&["node", "create", "--", name]);
        assert_eq!(run.code, 2, "{name:?}: {run:?}");
        let run = world.anet(&["node", "create", name, "--", "cat"]);
        assert_eq!(run.code, 2, "{name:?}: {run:?}");
    }
    assert!(!world.project.join(".anet").exists());
    let nodes = world.anet(&["status", "--json"]).done().json()["sessions"].clone();
    assert_eq!(nodes.as_array().map(Vec::len), Some(0), "the hub was not asked for a token");
}

#[test]
fn a_broken_configuration_is_named_with_line_and_column_and_hurts_no_other_node() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("good", "cat");
    world.create_node("bad", "cat");
    fs::write(world.node_directory("bad").join("config.json"), "{\n  \"token\": nonsense\n}\n").unwrap();
    let run = world.anet(&["node", "start", "bad"]).failed(78);
    assert!(run.stderr.contains("config.json:2:13"), "line and column: {run:?}");
    let _started = world.anet(&["node", "start", "good"]).done();
    let list = world.anet(&["node", "ls"]).done();
    assert!(list.stderr.contains("config.json:2:13"), "{list:?}");
}

#[test]
fn a_missing_program_is_said_once_and_does_not_loop() {
    let world = World::new();
    let _url = world.start_hub();
    let _created = world.anet(&["node", "create", "ghost", "--", "./no-such-program"]).done();
    let run = world.anet(&["node", "start", "ghost"]).failed(1);
    assert!(run.stderr.contains("no-such-program"), "{run:?}");
    let node = world.node("ghost");
    assert_eq!((node["state"].as_str(), node["pid"].is_null()), (Some("needs_attention"), true), "{node}");
    assert_eq!(node["process"]["last_exit"]["code"], 77, "{node}");
}

#[test]
fn a_reference_without_a_value_is_fatal_with_the_remedy() {
    let world = World::new();
    let _url = world.start_hub();
    let program = world.write_agent("agent", "cat");
    let _created = world.anet(&["node", "create", "agent", "--env", "VENDOR_KEY=sk-0123456789", "--", &program]).done();
    let directory = world.node_directory("agent");
    let config = fs::read_to_string(directory.join("config.json")).unwrap();
    assert!(!config.contains("sk-0123456789"), "the secret is not in config.json: {config}");
    fs::write(directory.join(".env"), "").unwrap();
    let run = world.anet(&["node", "start", "agent"]).failed(78);
    assert!(run.stderr.contains("VENDOR_KEY_N_") && run.stderr.contains(".env"), "{run:?}");
}

#[test]
fn a_secret_reaches_the_agent_and_nothing_else() {
    let world = World::new();
    let _url = world.start_hub();
    let program =
        world.write_agent("agent", "cat >/dev/null; printf %s \"$VENDOR_KEY\" | wc -c; env | grep -c ntok_ || true");
    let secret = "sk-canary-0123456789abcdef";
    let variable = format!("VENDOR_KEY={secret}");
    let created = world.anet(&["node", "create", "agent", "--env", &variable, "--", &program]).done();
    let _started = world.anet(&["node", "start", "agent"]).done();
    let id = world.send("agent", "how long is the key?");
    let task = world.wait_for_task(&id, "replied");
    let answer: Vec<_> = task["result"].as_str().unwrap().split_whitespace().collect();
    assert_eq!(answer, [secret.len().to_string().as_str(), "0"], "the key arrived, the node's token did not");

    assert!(!created.stdout.contains(secret) && !created.stderr.contains(secret), "{created:?}");
    for (pid, command_line) in processes_of(&world.home) {
        assert!(!command_line.contains(secret) && !command_line.contains("ntok_"), "{pid}: {command_line}");
    }
    for file in files_under(&world.home).into_iter().chain(files_under(&world.project)) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(file.ends_with(".env") || !text.contains(secret), "the secret is in {}", file.display());
    }
}

#[test]
fn an_env_file_that_is_broken_or_a_link_stops_the_start_and_one_that_others_can_read_is_closed() {
    let world = World::new();
    let _url = world.start_hub();
    let program = world.write_agent("agent", "cat");
    let _created = world.anet(&["node", "create", "agent", "--env", "VENDOR_KEY=sk-0123456789", "--", &program]).done();
    let path = world.node_directory("agent").join(".env");
    let good = fs::read_to_string(&path).unwrap();

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let run = world.anet(&["node", "restart", "agent"]).failed(78);
    assert!(run.stderr.contains("chmod 600"), "where nobody looks, it is refused: {run:?}");
    let run = world.anet(&["node", "start", "agent"]).done();
    assert!(run.stderr.contains(&format!("{} (was 0640)", path.display())), "{run:?}");
    let _stopped = world.anet(&["node", "stop", "agent"]).done();

    fs::write(&path, format!("{good}not a variable\n")).unwrap();
    let run = world.anet(&["node", "start", "agent"]).failed(78);
    assert!(run.stderr.contains("line 2") && !run.stderr.contains("sk-0123456789"), "{run:?}");

    let elsewhere = world.directory().join("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let run = world.anet(&["node", "start", "agent"]).failed(78);
    assert!(run.stderr.contains("link"), "{run:?}");

    fs::remove_file(&path).unwrap();
    fs::write(&path, &good).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let _started = world.anet(&["node", "start", "agent"]).done();
}

#[test]
fn a_killed_node_is_replaced() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let pid = world.node_pid("counter");
    kill_process(pid);
    wait_until("a new process runs", || {
        let node = world.node("counter");
        (node["state"] == "running" && node["pid"] != pid).then_some(())
    });
    let id = world.send("counter", "again");
    let _task = world.wait_for_task(&id, "replied");
}

#[test]
fn a_stop_reaches_helpers_that_left_the_group_and_the_session() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("forker", "setsid sh -c 'sleep 1000 & exec sleep 1000' & (sleep 1000 &) ; sleep 1000");
    let id = world.send("forker", "fork");
    let _task = world.wait_for_task(&id, "running");
    wait_until("the helpers are there", || {
        let sleeping = processes_of(&world.home).iter().filter(|(_, line)| line.contains("sleep 1000")).count();
        (sleeping >= 4).then_some(())
    });
    let _stopped = world.anet(&["node", "stop", "forker"]).done();
    let left: Vec<_> = processes_of(&world.home).into_iter().filter(|(_, line)| line.contains("sleep")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_node_whose_files_cannot_be_written_is_not_made_known_to_the_hub() {
    let world = World::new();
    let _url = world.start_hub();
    fs::write(world.project.join(".anet"), "in the way").unwrap();
    let run = world.anet(&["node", "create", "ghost", "--", "cat"]).failed(1);
    assert!(run.stderr.contains(".anet"), "{run:?}");
    let sessions = world.anet(&["status", "--json"]).done().json()["sessions"].clone();
    assert_eq!(sessions.as_array().map(Vec::len), Some(0), "{sessions}");
}

#[test]
fn a_node_that_the_hub_refuses_leaves_no_files() {
    let world = World::new();
    let _url = world.start_hub();
    let _run = world.anet(&["node", "create", "ghost", "--network", "net_000000000000", "--", "cat"]).failed(1);
    assert!(!world.node_directory("ghost").exists());
}

#[test]
fn a_secret_is_taken_from_the_environment_by_name() {
    let world = World::new();
    let _url = world.start_hub();
    let program = world.write_agent("agent", "cat");
    let arguments = ["node", "create", "agent", "--env", "VENDOR_KEY", "--", &program];
    let unset = world.anet(&arguments).failed(2);
    assert!(unset.stderr.contains("VENDOR_KEY is not set"), "{unset:?}");
    let mut command = world.command_in(&world.project, &arguments);
    assert!(command.env("VENDOR_KEY", "sk-0123456789").output().unwrap().status.success());
    assert!(fs::read_to_string(world.node_directory("agent").join(".env")).unwrap().contains("sk-0123456789"));
}

#[test]
fn without_its_hub_a_node_is_not_started_and_the_exit_code_says_why() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("counter", "cat");
    let _stopped = world.anet(&["hub", "stop"]).done();
    let run = world.anet(&["node", "start", "counter"]).failed(3);
    assert!(run.stderr.contains("anet hub start"), "{run:?}");
    assert_eq!(world.node("counter")["state"], "stopped");
}

#[test]
fn without_a_supervisor_a_list_tells_what_is_on_record_and_what_of_it_lives_and_no_more() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    world.start_node("rests", "cat");
    let _stopped = world.anet(&["node", "stop", "rests"]).done();
    let _kept = world.anet(&["run", "sleeper", "--", "sleep", "1000"]).done();
    let pid = world.node_pid("counter");
    kill_process(world.supervisor_pid());
    let nodes = world.anet(&["node", "ls", "--json"]).done().json();
    let told: Vec<_> = nodes["nodes"].as_array().unwrap().iter().map(|node| (&node["name"], &node["state"])).collect();
    let json = |text: &str| serde_json::json!(text);
    let expected = [
        (&json("counter"), &json("unknown")),
        (&json("rests"), &json("stopped")),
        (&json("sleeper"), &json("unknown")),
    ];
    assert_eq!(told, expected);
    assert_eq!((world.node_pid("counter"), &world.node("sleeper")["runtime"]), (pid, &json("program")));
    // From anywhere, not only from the project.
    let elsewhere = world.anet_in(world.directory(), &["node", "ls", "--json"]).done().json();
    assert_eq!(elsewhere["nodes"].as_array().unwrap().len(), 3, "{elsewhere}");
    let list = world.anet(&["node", "ls"]).done();
    assert!(list.stderr.contains("anet supervisor start") && list.stderr.contains("of 2 nodes"), "{list:?}");
    let _back = world.anet(&["supervisor", "start"]).done();
    assert_eq!(world.node("counter")["state"], "running");
}

#[test]
fn the_log_of_a_node_can_be_read() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "cat");
    let log = world.anet(&["node", "logs", "counter"]).done();
    assert!(!log.stdout.trim().is_empty(), "{log:?}");
}

pub(crate) fn copy_directory(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files_under(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_under(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}
