//! What a second user of the machine can do with somebody else's supervisor (R55, R61). Only root can become another user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anet_tests::{Run, World, not_tried};

/// A user and a group of whom no machine needs to know.
const USER: u32 = 60_003;
const GROUP: u32 = 54_322;

/// A directory that everybody may enter, with a home of the other user's own in it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let place = Self { directory };
        fs::create_dir(place.home()).unwrap();
        std::os::unix::fs::chown(place.home(), Some(USER), Some(USER)).unwrap();
        // The program itself may lie where the other user cannot go.
        fs::copy(anet_tests::anet_program(), place.program()).unwrap();
        place
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    fn program(&self) -> PathBuf {
        self.directory.path().join("anet")
    }

    /// Runs `anet` as the other user, whose only group is `group`.
    fn anet(&self, group: u32, variables: &[(&str, &Path)], arguments: &[&str]) -> Run {
        let mut command = std::process::Command::new(self.program());
        command
            .args(arguments)
            .current_dir(self.home())
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/bin:/bin");
        command.envs(variables.iter().copied()).uid(USER).gid(group);
        Run::of(command, "")
    }
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        not_tried("to be a second user of the machine");
    }
    is_root
}

#[test]
fn a_command_aimed_at_another_users_supervisor_names_that_user_and_the_socket() {
    if !is_root() {
        return;
    }
    let (world, place) = (World::new(), Place::new());
    let _started = world.anet(&["supervisor", "start"]).done();
    let home = world.home.join(".anet");
    let socket = home.join("run/supervisor.sock").display().to_string();
    for arguments in [&["node", "ls"][..], &["supervisor", "status"], &["node", "stop", "a"], &["events"]] {
        let run = place.anet(USER, &[("ANET_HOME", &home)], arguments).failed(77);
        assert!(run.stderr.contains("uid 0") && run.stderr.contains(&socket), "{arguments:?}: {run:?}");
        assert!(run.stdout.is_empty() && run.stderr.contains("hint:"), "{run:?}");
    }
    let own = place.anet(USER, &[], &["node", "ls", "--json"]).done();
    assert_eq!(own.json()["nodes"], serde_json::json!([]));
}

#[test]
fn a_member_of_the_operators_group_works_with_the_usual_commands_and_a_stranger_is_told_whose_it_is() {
    if !is_root() {
        return;
    }
    let (world, place) = (World::new(), Place::new());
    let socket = place.directory.path().join("ops/operators.sock");
    let settings = format!("[supervisor]\noperator-group = \"{GROUP}\"\noperator-socket = \"{}\"\n", socket.display());
    fs::create_dir_all(world.home.join(".anet")).unwrap();
    fs::write(world.home.join(".anet/supervisor.toml"), settings).unwrap();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let pid = world.node_pid("writer");
    let status = world.anet(&["supervisor", "status"]).done().stdout;
    assert!(status.contains(&format!("Operators:  group {GROUP} at {}", socket.display())), "{status}");

    let variables = [("ANET_SUPERVISOR", socket.as_path())];
    let list = place.anet(GROUP, &variables, &["node", "ls"]).done();
    assert!(list.stdout.contains("writer") && list.stdout.contains("running"), "{list:?}");
    let _restarted = place.anet(GROUP, &variables, &["node", "restart", "writer"]).done();
    assert_ne!(world.node_pid("writer"), pid);
    let _stopped = place.anet(GROUP, &variables, &["node", "stop", "writer"]).done();
    assert_eq!(world.node("writer")["state"], "stopped");
    let flag = ["--supervisor", &*socket.display().to_string(), "node", "start", "writer"].map(str::to_owned);
    let _started = place.anet(GROUP, &[], &flag.each_ref().map(String::as_str)).done();
    assert_eq!(world.node("writer")["state"], "running");
    let doctor = place.anet(GROUP, &variables, &["doctor", "--json"]).json();
    let said = doctor["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "node_config").unwrap();
    assert_eq!((&said["severity"], &said["subject"]), (&"fact".into(), &"writer".into()), "{said}");
    assert!(said["seen"].as_str().unwrap().contains("another user's"), "what may not be read is not gone: {said}");
    let refused = place.anet(GROUP, &variables, &["supervisor", "stop"]).failed(77);
    assert!(refused.stderr.contains("EACCES") && refused.stderr.contains("uid 0"), "{refused:?}");
    let audit = world.anet(&["audit", "--local"]).done().stdout;
    assert!(audit.contains(&format!("uid {USER}, anet")), "{audit}");
    assert!(
        audit.contains("shutdown") && audit.contains("refused"),
        "what was not allowed is written down too: {audit}"
    );
    let not_theirs = place.anet(GROUP, &variables, &["audit", "--local"]).failed(77);
    assert!(not_theirs.stderr.contains("its owner's alone"), "{not_theirs:?}");

    let stranger = place.anet(USER, &variables, &["node", "ls"]).failed(77);
    assert!(stranger.stderr.contains("EACCES") && stranger.stderr.contains("uid 0's supervisor"), "{stranger:?}");
    assert!(stranger.stderr.contains(&socket.display().to_string()), "{stranger:?}");
}
