//! Secrets are where they belong and nowhere else: not in a log, an error, the audit log, a process list or another file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anet_tests::{World, environment_of, processes_of, wait_until};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, connect, socket};

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

/// Written by hand, typed at the command line, and moved out of `config.json`; none of them looks like a key.
const OF_NODES: [(&str, &str); 3] = [
    ("WRITTEN_KEY", "a canary written into a file"),
    ("TYPED_KEY", "a canary typed at a prompt"),
    ("MOVED_KEY", "a canary moved to its place"),
];

/// What a service of systemd is given that asks for a credential.
fn credential(world: &World, name: &str) -> String {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let address = format!("{:x}/unit/web.service/{name}", world.supervisor_pid());
    bind(socket.as_raw_fd(), &UnixAddr::new_abstract(address.as_bytes()).unwrap()).unwrap();
    connect(socket.as_raw_fd(), &UnixAddr::new(&world.home.join(".anet/run/credentials.sock")).unwrap()).unwrap();
    let mut text = String::new();
    UnixStream::from(socket).read_to_string(&mut text).unwrap();
    text
}

/// What the control API answers to a GET, with its head.
fn control(world: &World, path: &str) -> String {
    let mut stream = UnixStream::connect(world.home.join(".anet/run/supervisor.sock")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{path}: {text}");
    text
}

#[test]
fn the_secrets_of_a_node_stand_in_its_env_file_and_nowhere_else() {
    let world = World::new();
    let _url = world.start_hub();
    let tell = "for key in WRITTEN_KEY TYPED_KEY MOVED_KEY; do printenv $key >&2; done; echo told >&2";
    world.create_node("writer", &format!("task=$(cat); {tell}; [ \"$task\" = work ] && echo done"));
    let directory = world.node_directory("writer");
    let path = directory.join("config.json");
    let mut config: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    config["env"] = serde_json::json!({"WRITTEN_KEY": {"_envRef": "WRITTEN_KEY"}, "MOVED_KEY": OF_NODES[2].1});
    fs::write(&path, config.to_string()).unwrap();
    write_private(&directory.join(".env"), &format!("WRITTEN_KEY='{}'\n", OF_NODES[0].1));
    let set = ["node", "env", "set", "writer", "TYPED_KEY"];
    let mut printed = typed(&world, &set, &format!("{}\n", OF_NODES[1].1));
    let told = |arguments: &[&str]| {
        let run = world.anet(arguments).done();
        run.stdout + &run.stderr
    };
    printed += &told(&["node", "migrate-token-to-envref", "writer", "--dry-run"]);
    printed += &told(&["node", "migrate-token-to-envref", "writer", "--json"]);
    printed += &told(&["node", "start", "writer"]);

    // The program prints its secrets twice, and fails the second time.
    for (text, status) in [("work", "replied"), ("fail", "failed")] {
        let task = world.send("writer", text);
        world.wait_for_task(&task, status);
        printed += &world.task(&task).to_string();
    }
    let logs = wait_until("what the program printed is in the logs", || {
        Some(told(&["node", "logs", "writer"])).filter(|logs| logs.matches("told").count() >= 2)
    });
    assert!(logs.matches("***").count() >= 6, "each secret stands masked where it was printed: {logs}");
    printed += &logs;
    for (key, secret) in OF_NODES {
        assert_eq!(credential(&world, &format!("writer.{key}")), secret);
    }
    assert_eq!(credential(&world, "writer.OTHER"), "");
    for arguments in [
        &["node", "ls", "--json"][..],
        &["node", "env", "ls", "writer", "--json"],
        &["node", "env", "ls", "writer"],
        &["supervisor", "status", "--json"],
        &["status", "--json"],
        &["logs", "writer"],
        &["apply", "--dry-run"],
        &["info", "writer", "--json"],
        &["events", "--json"],
        &["audit", "--json"],
        &["node", "restart", "writer"],
    ] {
        printed += &told(arguments);
    }
    // It may find something else; what it says about secrets counts here.
    let doctor = world.command_in(&world.project, &["doctor", "--json"]).output().unwrap();
    printed += &String::from_utf8([doctor.stdout, doctor.stderr].concat()).unwrap();
    for path in ["/v1/status", "/v1/nodes", "/v1/nodes/writer", "/v1/nodes/writer/logs"] {
        printed += &control(&world, path);
    }
    assert!(printed.contains("TYPED_KEY") && printed.contains("env_file"), "{printed}");

    let processes = processes_of(&world.home);
    let supervisor = environment_of(world.supervisor_pid()).unwrap_or_default();
    for (key, secret) in OF_NODES {
        assert!(!printed.contains(secret), "{key} was printed: {printed}");
        assert!(!supervisor.contains(secret), "{key} is in the environment of the supervisor");
        for (pid, command_line) in &processes {
            assert!(!command_line.contains(secret), "{key} is in the arguments of {pid}");
        }
        // What was not yet read of the program's output is gone as soon as it was.
        wait_until("the secret stands in its own file alone", || {
            let mut files = Vec::new();
            files_below(world.directory(), &mut files);
            files.retain(|file| fs::read(file).is_ok() && contains(file, secret));
            // The copy of config.json is as private, and for its owner to remove.
            files.retain(|file| !file.file_name().unwrap().to_string_lossy().starts_with("config.json.bak-"));
            (files == [directory.join(".env")]).then_some(())
        });
    }
    let log = fs::read_to_string(world.home.join(".anet/supervisor/logs/supervisor.log")).unwrap();
    let given = log.lines().filter(|line| line.contains("a credential was given")).count();
    assert_eq!((given, log.matches("no credential was given").count()), (3, 1), "{log}");
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
