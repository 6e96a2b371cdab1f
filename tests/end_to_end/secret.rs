//! Secrets are where they belong and nowhere else: not in a log, an error, the audit log, a process list or another file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anet_tests::{World, processes_of};

const CANARY: &str = "canary phrase sung at midnight";
const LATER: &str = "another canary sung at noon";

/// What a run printed on both channels, after it was given `input` on stdin.
fn typed(world: &World, arguments: &[&str], input: &str) -> String {
    let mut command = world.command_in(&world.project, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files_below(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

fn contains(path: &Path, secret: &str) -> bool {
    let bytes = fs::read(path).unwrap();
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn a_secret_stands_in_its_own_file_and_nowhere_else() {
    let world = World::new();
    let admin = world.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
    let mut secrets: BTreeMap<&str, String> = BTreeMap::new();
    let mut printed = String::new();
    secrets.insert("first password", admin["admin"]["password"].as_str().unwrap().to_owned());
    printed += &typed(&world, &["passwd"], &format!("{}\n{CANARY}\n", secrets["first password"]));
    secrets.insert("password", CANARY.to_owned());
    world.start_node("writer", "cat");
    let document = |arguments: &[&str], field: &str| {
        world.anet(arguments).done().json()[field].as_str().unwrap_or_else(|| panic!("{arguments:?}")).to_owned()
    };
    secrets.insert("API key", document(&["token", "create", "ci", "--json"], "token"));
    secrets.insert("invite", document(&["network", "invite", "--json"], "invite_code"));
    secrets.insert("invite to the hub", document(&["hub", "invite", "create", "--json"], "invite_code"));
    let made = world.anet_typing(&format!("{CANARY}\n"), &["recovery-key", "create", "--json"]).done().json();
    secrets.insert("recovery key", made["recovery_key"].as_str().unwrap().to_owned());
    // What goes wrong tells no secret either.
    for (arguments, input) in [
        (&["login", "--username", "admin"][..], "a wrong guess sung at dawn\n"),
        (&["network", "join", &secrets["API key"]], ""),
        (&["register", "--username", "bob"], "admin\n"),
    ] {
        let mut command = world.command_in(&world.project, arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        printed += &[output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    }
    secrets.insert("wrong password", "a wrong guess sung at dawn".to_owned());
    let key = secrets["recovery key"].clone();
    printed += &typed(&world, &["recover", "--username", "admin"], &format!("{key}\n{LATER}\n"));
    secrets.insert("recovered password", LATER.to_owned());
    let task = world.send("writer", "an everyday task");
    world.wait_for_task(&task, "replied");
    for arguments in [&["audit", "--json"][..], &["status", "--json"], &["token", "ls", "--json"], &["node", "ls"]] {
        printed += &world.anet(arguments).done().stdout;
    }

    let own = |path: &str| fs::read_to_string(world.home.join(path)).unwrap();
    let token = |text: &str| -> String {
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        document["token"].as_str().unwrap().to_owned()
    };
    secrets.insert("login", token(&own(".anet/config.json")));
    secrets.insert("administrator's login", token(&own(".anet/server/admin-utok.json")));
    let node = world.node_directory("writer").join("config.json");
    secrets.insert("node's token", token(&fs::read_to_string(&node).unwrap()));
    let home_of = BTreeMap::from([
        ("login", world.home.join(".anet/config.json")),
        ("administrator's login", world.home.join(".anet/server/admin-utok.json")),
        ("node's token", node),
    ]);

    let processes = processes_of(&world.home);
    assert!(processes.len() >= 3, "supervisor, hub and node run: {processes:?}");
    let mut files = Vec::new();
    files_below(world.directory(), &mut files);
    assert!(
        files.iter().any(|file| file.ends_with("commhub.db")) && files.iter().any(|file| file.ends_with("hub.log"))
    );
    for (name, secret) in &secrets {
        assert!(!printed.contains(secret.as_str()), "the {name} was printed");
        for (pid, command_line) in &processes {
            assert!(!command_line.contains(secret.as_str()), "the {name} is in the arguments of {pid}");
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let found = environment.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "the {name} is in the environment of {pid}");
        }
        for file in files.iter().filter(|file| home_of.get(name) != Some(file)) {
            assert!(!contains(file, secret), "the {name} stands in {}", file.display());
        }
    }
}
