use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anet_tests::{World, processes_of};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn the_demonstration_shows_the_main_job_and_leaves_nothing() {
    let world = World::new();
    let source = world.directory().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("long.txt"), "line\n".repeat(120)).unwrap();
    fs::write(source.join("short.txt"), "line\n".repeat(3)).unwrap();
    let temporary = world.directory().join("tmp");
    fs::create_dir(&temporary).unwrap();

    let mut command = world.command_in(&world.project, &["demo", source.to_str().unwrap()]);
    let output = command.env("TMPDIR", &temporary).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains("2 files with 123 lines"), "{stdout}");
    assert!(stdout.contains("120 ./long.txt"), "the delegated part is in the answer: {stdout}");
    for step in ["killed finder with SIGKILL", "attempt 2", "exactly one end"] {
        assert!(stderr.contains(step), "{step}: {stderr}");
    }
    assert_eq!(processes_of(&world.home), [], "no process is left");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "no file is left");
    assert!(!world.home.join(".anet").exists(), "the user's own home is not touched");
}

#[test]
fn a_demonstration_that_is_asked_to_stop_cleans_up() {
    let world = World::new();
    let temporary = world.directory().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let mut command = world.command_in(&world.project, &["demo"]);
    let mut demo = command.env("TMPDIR", &temporary).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("finder is ready")));
    kill(Pid::from_raw(i32::try_from(demo.id()).unwrap()), Signal::SIGTERM).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(!demo.wait().unwrap().success(), "{rest:?}");
    assert_eq!(processes_of(&world.home), [], "no process is left: {rest:?}");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "no file is left: {rest:?}");
}

#[test]
fn a_directory_that_does_not_exist_is_a_usage_error() {
    let world = World::new();
    let run = world.anet(&["demo", "/does/not/exist"]).failed(2);
    assert!(run.stderr.contains("/does/not/exist"), "{run:?}");
}
