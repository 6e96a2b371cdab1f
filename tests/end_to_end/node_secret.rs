//! The secrets of a node: set, listed without a value, taken away, and moved out of `config.json`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use anet_tests::World;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

const CANARY: &str = "sk-canary-it's-$HOME \"quoted\"";

fn config(world: &World, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(world.node_directory(name).join("config.json")).unwrap()).unwrap()
}

fn change_config(world: &World, name: &str, change: impl FnOnce(&mut Value)) {
    let mut document = config(world, name);
    change(&mut document);
    fs::write(world.node_directory(name).join("config.json"), document.to_string()).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn answer(world: &World, name: &str) -> String {
    let task = world.send(name, "which?");
    world.wait_for_task(&task, "replied");
    world.task(&task)["result"].as_str().unwrap().trim().to_owned()
}

#[test]
fn a_secret_that_is_typed_reaches_the_agent_and_is_shown_nowhere() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat > /dev/null; printf '%s' \"$MY_API_KEY\"");
    let nothing = world.anet(&["node", "env", "set", "writer", "MY_API_KEY"]).failed(2);
    assert!(nothing.stderr.contains("no value of MY_API_KEY was given on stdin"), "{nothing:?}");
    let set = world.anet_typing(&format!("{CANARY}\n"), &["node", "env", "set", "writer", "MY_API_KEY"]).done();
    let listed = world.anet(&["node", "env", "ls", "writer"]).done();
    let document = world.anet(&["node", "env", "ls", "writer", "--json"]).done();
    for text in [&set.stdout, &set.stderr, &listed.stdout, &listed.stderr, &document.stdout] {
        assert!(!text.contains("canary"), "{text}");
    }
    let variable = &document.json()["variables"][0];
    assert_eq!((&variable["key"], &variable["source"]), (&json!("MY_API_KEY"), &json!(".env")), "{document:?}");
    let reference = variable["reference"].as_str().unwrap();
    assert_eq!(config(&world, "writer")["env"]["MY_API_KEY"], json!({ "_envRef": reference }));
    assert_eq!(mode(&world.node_directory("writer").join(".env")), 0o600);
    let _started = world.anet(&["node", "start", "writer"]).done();
    assert_eq!(answer(&world, "writer"), CANARY);

    let _gone = world.anet(&["node", "env", "unset", "writer", "MY_API_KEY"]).done();
    assert!(config(&world, "writer")["env"].as_object().unwrap().is_empty());
    assert!(!fs::read_to_string(world.node_directory("writer").join(".env")).unwrap().contains("canary"));
    let again = world.anet(&["node", "env", "unset", "writer", "MY_API_KEY"]).failed(1);
    assert!(again.stderr.contains("anet node env ls writer"), "{again:?}");
}

#[test]
fn what_decides_which_program_runs_cannot_be_set_and_a_broken_value_changes_nothing() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let before = config(&world, "writer");
    for name in ["PATH", "LD_PRELOAD", "ANET_HOME", "lower", "A-B", "NODE_OPTIONS"] {
        let refused = world.anet_typing("x\n", &["node", "env", "set", "writer", name]).failed(2);
        assert!(refused.stderr.contains(name), "{refused:?}");
    }
    let misplaced = world.anet_typing("x\n", &["node", "env", "set", "writer", "KEY=canary"]).failed(2);
    assert!(misplaced.stderr.starts_with("error: KEY: ") && !misplaced.stderr.contains("canary"), "{misplaced:?}");
    let _empty = world.anet_typing("\n", &["node", "env", "set", "writer", "KEY"]).failed(2);
    let long = format!("{}\n", "x".repeat(9000));
    let _long = world.anet_typing(&long, &["node", "env", "set", "writer", "KEY"]).failed(2);
    assert_eq!(config(&world, "writer"), before);
    assert!(!world.node_directory("writer").join(".env").exists());
}

#[test]
fn a_key_that_was_copied_with_its_line_break_creates_no_node() {
    let world = World::new();
    let _url = world.start_hub();
    let program = world.write_agent("agent", "cat");
    let broken = [("MY_API_KEY", "sk-canary\n")];
    let arguments = ["node", "create", "writer", "--env", "MY_API_KEY", "--", &program];
    let refused = world.anet_with(&broken, &arguments).failed(2);
    assert!(refused.stderr.contains("line break") && !refused.stderr.contains("canary"), "{refused:?}");
    assert!(!world.node_directory("writer").exists());
    let nodes = world.anet(&["status", "--json"]).done().json();
    assert_eq!(nodes["sessions"].as_array().map(Vec::len), Some(0), "{nodes}");
}

#[test]
fn secrets_move_out_of_the_configuration_and_the_node_goes_on_as_before() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat > /dev/null; printf '%s' \"$VENDOR_AUTH_TOKEN $MODEL_NAME\"");
    let node_token = config(&world, "writer")["token"].clone();
    change_config(&world, "writer", |config| {
        config["env"] = json!({"VENDOR_AUTH_TOKEN": CANARY, "MODEL_NAME": "opus", "EMPTY_KEY": ""});
        config["future"] = json!({"kept": [1]});
    });
    let _started = world.anet(&["node", "start", "writer"]).done();
    let pid = world.node_pid("writer");

    let planned = world.anet(&["node", "migrate-token-to-envref", "writer", "--dry-run"]).done();
    assert!(planned.stderr.contains("would move VENDOR_AUTH_TOKEN"), "{planned:?}");
    assert_eq!(config(&world, "writer")["env"]["VENDOR_AUTH_TOKEN"], CANARY, "a dry run changes nothing");

    let moved = world.anet(&["node", "migrate-token-to-envref", "writer", "--json"]).done();
    assert!(!moved.stdout.contains("canary") && !moved.stderr.contains("canary"), "{moved:?}");
    let moved = moved.json()["nodes"][0].clone();
    let backup = moved["backup"].as_str().unwrap();
    let reference = moved["moved"][0][1].as_str().unwrap();
    assert_eq!(mode(Path::new(backup)), 0o600);
    assert!(fs::read_to_string(backup).unwrap().contains("sk-canary"));
    let after = config(&world, "writer");
    assert_eq!(after["env"]["VENDOR_AUTH_TOKEN"], json!({ "_envRef": reference }));
    assert_eq!((&after["env"]["MODEL_NAME"], &after["env"]["EMPTY_KEY"]), (&json!("opus"), &json!("")));
    assert_eq!((&after["future"]["kept"][0], &after["token"]), (&json!(1), &node_token));
    assert_eq!(mode(&world.node_directory("writer").join(".env")), 0o600);
    assert_eq!(moved["restarted"], true);
    assert_ne!(world.node_pid("writer"), pid);
    assert_eq!(answer(&world, "writer"), format!("{CANARY} opus"));

    let again = world.anet(&["node", "migrate-token-to-envref", "--all"]).done();
    assert!(again.stderr.contains("nothing to do"), "{again:?}");
    assert_eq!(config(&world, "writer"), after);
    let _stopped = world.anet(&["node", "stop", "writer"]).done();
    let _started = world.anet(&["node", "start", "writer"]).done();
    assert_eq!(answer(&world, "writer"), format!("{CANARY} opus"));
}

#[test]
fn a_move_that_is_cut_off_between_the_files_leaves_a_node_that_starts_and_can_be_moved_again() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat > /dev/null; printf '%s' \"$MY_API_KEY\"");
    change_config(&world, "writer", |config| config["env"] = json!({"MY_API_KEY": "sk-1"}));
    let before = fs::read(world.node_directory("writer").join("config.json")).unwrap();
    let moved = world.anet(&["node", "migrate-token-to-envref", "writer", "--print-exports"]).done();
    assert!(
        moved.stdout.starts_with("export MY_API_KEY_N_") && moved.stdout.trim_end().ends_with("='sk-1'"),
        "{moved:?}"
    );
    // The values are written first, so this is what a crash in between leaves.
    fs::write(world.node_directory("writer").join("config.json"), before).unwrap();
    let _started = world.anet(&["node", "start", "writer"]).done();
    assert_eq!(answer(&world, "writer"), "sk-1");
    let again = world.anet(&["node", "migrate-token-to-envref", "writer", "--json"]).done().json();
    assert!(!again["nodes"][0]["moved"][0][1].as_str().unwrap().ends_with("_2"), "{again}");
    assert_eq!(answer(&world, "writer"), "sk-1");
}

#[test]
fn a_node_that_is_run_by_hand_finds_its_secrets_where_the_supervisor_would() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat > /dev/null; printf '%s' \"$MY_API_KEY\"");
    let _set = world.anet_typing(&format!("{CANARY}\n"), &["node", "env", "set", "writer", "MY_API_KEY"]).done();
    let directory = world.node_directory("writer");
    let arguments = ["node", "run", "--directory", directory.to_str().unwrap()];
    let mut command = world.command_in(&world.project, &arguments);
    // What a shell happens to have masks nothing.
    command.env("MY_API_KEY", "from the shell").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    assert_eq!(answer(&world, "writer"), CANARY);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());

    fs::set_permissions(directory.join(".env"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = world.anet(&arguments).failed(77);
    assert!(refused.stderr.contains("hint: chmod 600 /") && !refused.stderr.contains("canary"), "{refused:?}");
    fs::remove_file(directory.join(".env")).unwrap();
    let refused = world.anet(&arguments).failed(77);
    assert!(refused.stderr.contains("MY_API_KEY refers to MY_API_KEY_N_"), "{refused:?}");
}

#[test]
fn values_that_only_the_supervisor_or_a_credential_has_are_listed_as_what_they_are() {
    let world = World::new();
    let _started = world.anet_with(&[("KEY_N_2", "canary")], &["hub", "start", "--port", "0"]).done();
    world.create_node("writer", "cat");
    change_config(&world, "writer", |config| {
        let reference = |name: &str| json!({ "_envRef": name });
        config["env"] = json!({ "A": reference("KEY_N_1"), "B": reference("KEY_N_2") });
    });
    let sources = |variables: &[(&str, &str)]| -> Vec<Value> {
        let listed = world.anet_with(variables, &["node", "env", "ls", "writer", "--json"]).done();
        assert!(!listed.stdout.contains("canary"), "{listed:?}");
        let variables = listed.json()["variables"].as_array().unwrap().clone();
        variables.iter().map(|variable| variable["source"].clone()).collect()
    };
    // This shell does not have it; the supervisor, which starts the node, does.
    assert_eq!(sources(&[]), [json!("missing"), json!("environment")]);
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    let credentials = world.directory().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("KEY_N_1"), "canary").unwrap();
    fs::set_permissions(credentials.join("KEY_N_1"), fs::Permissions::from_mode(0o400)).unwrap();
    let surroundings = [("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())];
    assert_eq!(sources(&surroundings), [json!("credential"), json!("missing")]);
}

#[test]
fn a_broken_node_does_not_keep_the_secrets_of_the_others_where_they_are() {
    let world = World::new();
    let _url = world.start_hub();
    for name in ["a", "b", "c"] {
        world.create_node(name, "cat");
        let path = world.node_directory(name).join("config.json");
        let mut config = config(&world, name);
        config["env"] = serde_json::json!({ "DB_PASSWORD": "canary-1" });
        fs::write(path, config.to_string()).unwrap();
    }
    fs::write(world.node_directory("b").join("config.json"), "{").unwrap();
    // A program is migrated with the nodes.
    let _started = world.anet(&["run", "tool", "--", "sleep", "1000"]).done();
    let tool = world.project.join(".anet/programs/tool/config.json");
    let mut program: Value = serde_json::from_str(&fs::read_to_string(&tool).unwrap()).unwrap();
    program["env"] = json!({ "DB_PASSWORD": "canary-2" });
    fs::write(&tool, program.to_string()).unwrap();
    let migrated = world.anet(&["node", "migrate-token-to-envref", "--all"]).failed(1);
    assert!(!fs::read_to_string(&tool).unwrap().contains("canary"), "{migrated:?}");
    assert!(fs::read_to_string(tool.with_file_name(".env")).unwrap().contains("canary-2"));
    assert_eq!(world.node("tool")["state"], "running");
    assert!(migrated.stderr.contains("warning: b: "), "{migrated:?}");
    for name in ["a", "c"] {
        assert!(config(&world, name)["env"]["DB_PASSWORD"]["_envRef"].is_string(), "{name}");
    }
}
