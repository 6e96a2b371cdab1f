//! Secrets that the supervisor is handed as an open descriptor.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anet_tests::{World, anet_program, wait_until};
use serde_json::{Value, json};

/// The shell opens descriptor 7 and becomes the supervisor.
fn command(world: &World, stdin: impl Into<Stdio>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" supervisor run --secrets fd:7 7<&0 0</dev/null"]).arg(anet_program());
    command.env_clear().env("HOME", &world.home).env("PATH", "/usr/bin:/bin").current_dir(&world.project);
    command.stdin(stdin);
    command
}

fn supervise(world: &World, stdin: impl Into<Stdio>) -> Child {
    let child = command(world, stdin).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the supervisor answers", || {
        let status = world.anet(&["supervisor", "status", "--json"]);
        (status.code == 0).then_some(())
    });
    child
}

/// A program that refers to KEY and writes down what it got.
fn add_program(world: &World) -> PathBuf {
    let got = world.directory().join("got");
    let script = format!(
        "echo \"$KEY\"; ls /proc/$$/fd >{0}.fds; echo \"$KEY\" >{0}.new; mv {0}.new {0}; sleep 1000",
        got.display()
    );
    let _started = world.anet(&["run", "tool", "--", "sh", "-c", &script]).done();
    let config = world.project.join(".anet/programs/tool/config.json");
    let mut program: Value = serde_json::from_str(&fs::read_to_string(&config).unwrap()).unwrap();
    program["env"] = json!({ "KEY": { "_envRef": "KEY" } });
    fs::write(&config, program.to_string()).unwrap();
    got
}

/// What it gets at its next start.
#[track_caller]
fn check_restart(world: &World, got: &PathBuf, value: &str) {
    let _gone = fs::remove_file(got);
    let _restarted = world.anet(&["node", "restart", "tool"]).done();
    let found = wait_until("it wrote", || fs::read_to_string(got).ok());
    assert_eq!(found.trim(), value);
    let descriptors = fs::read_to_string(got.with_extension("fds")).unwrap();
    assert!(descriptors.lines().all(|number| number != "7"), "the program got the descriptor: {descriptors}");
}

fn source(world: &World) -> Value {
    let listed = world.anet(&["node", "env", "ls", "tool", "--json"]).done();
    assert!(!listed.stdout.contains("canary"), "{listed:?}");
    listed.json()["variables"][0]["source"].clone()
}

#[test]
fn a_file_is_read_anew_at_each_start_and_kept_over_an_upgrade() {
    let world = World::new();
    let secrets = world.directory().join("secrets");
    fs::write(&secrets, "KEY='canary-first'\n").unwrap();
    let mut supervisor = supervise(&world, File::open(&secrets).unwrap());
    let got = add_program(&world);
    check_restart(&world, &got, "canary-first");
    assert_eq!(source(&world), "descriptor");
    fs::write(&secrets, "OTHER=1\nKEY=canary-second\n").unwrap();
    fs::remove_file(&secrets).unwrap();
    let _upgraded = world.anet(&["supervisor", "upgrade"]).done();
    assert_eq!(world.supervisor_pid(), supervisor.id());
    check_restart(&world, &got, "canary-second");
    let log = wait_until("its output is kept", || {
        let log = world.anet(&["logs", "tool", "--stream", "out"]).done().stdout;
        (log.lines().count() >= 3).then_some(log)
    });
    assert!(!log.contains("canary"), "{log}");
    // What is written for it alone comes first.
    let _set = world.anet_typing("canary-third\n", &["node", "env", "set", "tool", "KEY", "--only-env"]).done();
    check_restart(&world, &got, "canary-third");
    assert_eq!(source(&world), ".env");
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    assert!(supervisor.wait().unwrap().success());
}

#[test]
fn a_pipe_is_read_once_and_kept_over_an_upgrade() {
    let world = World::new();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"KEY=canary-piped\n").unwrap();
    drop(writer);
    let mut supervisor = supervise(&world, reader);
    let got = add_program(&world);
    check_restart(&world, &got, "canary-piped");
    let _upgraded = world.anet(&["supervisor", "upgrade"]).done();
    assert_eq!(world.supervisor_pid(), supervisor.id());
    check_restart(&world, &got, "canary-piped");
    assert_eq!(source(&world), "descriptor");
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    assert!(supervisor.wait().unwrap().success());
}

#[test]
fn a_fault_is_told_by_its_line_and_starts_nothing() {
    let world = World::new();
    let fault = |text: &str| {
        let secrets = world.directory().join("secrets");
        fs::write(&secrets, text).unwrap();
        let output = command(&world, File::open(&secrets).unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(76));
        String::from_utf8(output.stderr).unwrap()
    };
    let told = fault("KEY=1\nno canary here\n");
    assert!(told.contains("fd:7: line 2") && !told.contains("canary"), "{told}");
    let unopened = world.anet(&["supervisor", "run", "--secrets", "fd:99"]).failed(76);
    assert!(unopened.stderr.contains("fd:99 is not open") && unopened.stderr.contains("hint: "), "{unopened:?}");
    let _usage = world.anet(&["supervisor", "run", "--secrets", "7"]).failed(2);
    assert!(!world.home.join(".anet/run").exists(), "something was begun");
}
