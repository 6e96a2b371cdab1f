mod certificate;
mod files;
mod process;
mod token;

use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anet_tests::{Run, World, anet_program};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};
use serde_json::Value;

fn open_up(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

/// A command of ours that is advised is one that the program knows.
fn assert_command_exists(command: &str) {
    assert!(!command.is_empty());
    let words = command.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    let words: Vec<_> = words.take(3).collect();
    if words.first() == Some(&"anet") {
        let mut asked = Command::new(anet_program());
        asked.args(&words[1..]).arg("--help").env_clear().env("HOME", "/nonexistent");
        let is_known = asked.output().unwrap().status.success();
        assert!(is_known, "`{command}` is no command");
    }
}

/// The findings of a check that are warnings or errors: severity, subject, what was seen.
fn bad(report: &Value, check: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("a list of findings");
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    let bad = of_check.filter(|finding| finding["severity"] == "warning" || finding["severity"] == "error");
    bad.map(|finding| {
        assert!(!text(&finding["why"]).is_empty(), "a reason: {finding}");
        assert_command_exists(finding["command"].as_str().expect("a command"));
        (text(&finding["severity"]), text(&finding["subject"]), text(&finding["seen"]))
    })
    .collect()
}

fn all_bad(report: &Value) -> Vec<&Value> {
    let findings = report["findings"].as_array().expect("a list of findings");
    findings.iter().filter(|finding| finding["severity"] == "warning" || finding["severity"] == "error").collect()
}

/// Insists that this check alone has one thing to say, of this severity and with these words.
#[track_caller]
fn only(run: &Run, check: &str, severity: &str, words: &str) {
    let report = run.json();
    let found = bad(&report, check);
    assert!(
        found.len() == 1 && found[0].0 == severity && found[0].2.contains(words),
        "{check}: {:#?}",
        all_bad(&report)
    );
    assert_eq!(all_bad(&report).len(), 1, "{:#?}", all_bad(&report));
}

/// A world in which everything is as it should be.
fn healthy() -> (World, String) {
    let world = World::new();
    let url = world.start_hub();
    world.create_node("writer", "cat");
    (world, url)
}

fn config(world: &World) -> PathBuf {
    world.node_directory("writer").join("config.json")
}

fn edit(path: &Path, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let mut value: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(value.as_object_mut().unwrap());
    fs::write(path, serde_json::to_string_pretty(&value).unwrap()).unwrap();
    open_up(path, 0o600);
}

/// Every file below a directory, with its mode and content; but the hub's database, the logs and the state, which live.
fn tree(directory: &Path, into: &mut Vec<(PathBuf, u32, Vec<u8>)>) {
    let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["logs", ".commhub", "work", "run", "state.json", "state-latest.json"].contains(&name.as_str()) {
            continue;
        }
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        into.push((path.clone(), metadata.mode(), content));
        if metadata.is_dir() {
            tree(&path, into);
        }
    }
}

fn snapshot(world: &World) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut files = Vec::new();
    tree(world.directory(), &mut files);
    files
}

#[test]
fn a_healthy_home_is_found_healthy_and_is_not_changed() {
    let (world, _url) = healthy();
    let _started = world.anet(&["node", "start", "writer"]).done();
    let before = snapshot(&world);
    let run = world.anet(&["doctor", "--json"]).done();
    assert_eq!(all_bad(&run.json()), Vec::<&Value>::new());
    let _fixed = world.anet(&["doctor", "--fix", "--json"]).done();
    assert_eq!(snapshot(&world), before);
    let text = world.anet(&["doctor"]).done().stdout;
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("Result: ") && last.ends_with(" ok, 0 warnings, 0 errors"), "{last}");
    assert!(
        text.lines().all(|line| ["✅ ok ", "ℹ fact ", "Result"].iter().any(|sign| line.starts_with(sign))),
        "{text}"
    );
}

#[test]
fn without_login_hub_and_nodes_each_is_said_once_with_the_command_that_helps() {
    let world = World::new();
    // Bound and not listened at: nobody answers there, and nobody else takes it.
    let port = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(port.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    let address = getsockname::<SockaddrIn>(port.as_raw_fd()).unwrap();
    let hub = format!("http://{address}");
    let run = world.anet(&["doctor", "--json", "--hub", &hub]).failed(1);
    let report = run.json();
    for (check, command) in [
        ("global_config", "anet init"),
        ("login", "anet login"),
        ("hub", "anet hub start"),
        ("nodes", "anet node create"),
    ] {
        let findings = all_bad(&report);
        let found: Vec<_> = findings.iter().filter(|finding| finding["check"] == check).collect();
        assert_eq!(found.len(), 1, "{check}: {report:#}");
        assert!(found[0]["command"].as_str().unwrap().starts_with(command), "{check}: {report:#}");
    }
    assert!(!world.home.join(".anet").exists(), "looking makes nothing");
    let _nothing_to_repair = world.anet(&["doctor", "--fix", "--hub", &hub]).failed(1);
    assert!(!world.home.join(".anet").exists(), "nothing is repaired where nothing is");
}

#[test]
fn a_hub_that_is_down_is_an_error_and_the_nodes_tokens_are_not_called_refused() {
    let (world, _url) = healthy();
    let before = fs::read(config(&world)).unwrap();
    let _stopped = world.anet(&["hub", "stop"]).done();
    let run = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    only(&run, "hub", "error", "does not answer");
    assert_eq!(fs::read(config(&world)).unwrap(), before, "a token that was not refused is kept");
}

#[test]
fn a_copied_node_and_two_nodes_of_one_name_are_told_apart_from_all_others() {
    let (world, _url) = healthy();
    let other = world.directory().join("other");
    fs::create_dir(&other).unwrap();
    let copy = world.node_directory("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(config(&world), copy.join("config.json")).unwrap();
    open_up(&copy, 0o700);
    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    let found = bad(&report, "duplicates");
    assert!(found.len() == 1 && found[0].2.contains("copy") && found[0].2.contains("writer"), "{report:#}");
    fs::remove_dir_all(&copy).unwrap();
    let _healthy = world.anet(&["doctor"]).done();
}

#[test]
fn nodes_of_other_projects_are_seen_from_anywhere_and_a_name_that_none_has_is_an_error() {
    let (world, _url) = healthy();
    let elsewhere = world.directory().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let run = world.anet_in(&elsewhere, &["doctor", "--json"]).done();
    let project = world.project.display().to_string();
    assert!(run.stdout.contains("1 of them in other projects") && run.stdout.contains(&project), "{run:?}");
    let run = world.anet(&["doctor", "writer", "ghost"]).failed(4);
    assert_eq!(run.stdout, "", "nothing else is looked at");
    assert!(run.stderr.contains("no node ghost is here") && run.stderr.contains("hint: `anet node ls`"), "{run:?}");
    let _found = world.anet_in(&elsewhere, &["doctor", "writer"]).done();
}

#[test]
fn a_program_that_is_no_node_needs_neither_identity_nor_token() {
    let world = World::new();
    let _url = world.start_hub();
    let _started = world.anet(&["run", "sleeper", "--", "sleep", "1000"]).done();
    let before = snapshot(&world);
    let fixed = world.anet(&["doctor", "--fix", "--json"]).done().json();
    assert_eq!((all_bad(&fixed), &fixed["repairs"]), (vec![], &serde_json::json!([])));
    assert_eq!(snapshot(&world), before);
}
