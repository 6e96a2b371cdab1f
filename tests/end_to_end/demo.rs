use std::fs;

use anet_tests::{World, processes_of};

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
fn a_directory_that_does_not_exist_is_a_usage_error() {
    let world = World::new();
    let run = world.anet(&["demo", "/does/not/exist"]).failed(2);
    assert!(run.stderr.contains("/does/not/exist"), "{run:?}");
}
