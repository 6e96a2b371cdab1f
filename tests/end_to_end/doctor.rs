use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anet_tests::{Run, World, anet_program, kill_process, process_is_alive, wait_until};
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

/// Every file below a directory, with its mode and content; but the hub's database and the logs, which live.
fn tree(directory: &Path, into: &mut Vec<(PathBuf, u32, Vec<u8>)>) {
    let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["logs", ".commhub", "work", "run"].contains(&name.as_str()) {
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
    let run = world.anet(&["doctor", "--json"]).failed(1);
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
    let _nothing_to_repair = world.anet(&["doctor", "--fix"]).failed(1);
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
fn old_fields_and_a_missing_identity_are_mended_and_every_other_key_stays() {
    let (world, _url) = healthy();
    let path = config(&world);
    edit(&path, |fields| {
        fields.remove("node_name");
        fields.insert("alias".to_owned(), "writer".into());
        fields.insert("resume".to_owned(), "s-1".into());
        fields.insert("of_tomorrow".to_owned(), serde_json::json!({ "kept": [1, 2] }));
    });
    let report = world.anet(&["doctor", "--json"]).done().json();
    assert_eq!(bad(&report, "legacy_fields").len(), 2, "{report:#}");
    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert!(fixed.stdout.contains("repaired   legacy_fields: writer: `alias` → `node_name`"), "{fixed:?}");
    let fields: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((&fields["node_name"], &fields["session"]), (&"writer".into(), &"s-1".into()));
    assert_eq!(fields["of_tomorrow"]["kept"], serde_json::json!([1, 2]));
    assert!(fields.get("alias").is_none() && fields.get("resume").is_none(), "{fields:#}");
    let after = snapshot(&world);
    let again = world.anet(&["doctor", "--fix", "--json"]).done().json();
    assert_eq!((snapshot(&world), &again["repairs"]), (after, &serde_json::json!([])));
}

#[test]
fn a_missing_identity_is_written_down_as_it_is_derived_everywhere_else() {
    let (world, _url) = healthy();
    let path = config(&world);
    edit(&path, |fields| drop(fields.remove("node_id")));
    let derived = world.node("writer")["node_id"].clone();
    // The token is of the identity that is gone, which is another matter and is told.
    let _fixed = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    let fields: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(fields["node_id"], derived);
}

#[test]
fn what_others_can_read_is_closed_and_what_is_no_file_of_ones_own_is_left_alone() {
    let (world, _url) = healthy();
    let anet = world.home.join(".anet");
    let node = world.node_directory("writer");
    fs::write(node.join(".env"), "KEY_N_1=x\n").unwrap();
    fs::write(node.join("config.json.bak-1"), "{}").unwrap();
    let wide = [anet.join("config.json"), anet.join("server/admin-utok.json"), node.join(".env"), config(&world)];
    let wide = [&wide[..], &[anet.clone(), node.clone(), node.join("config.json.bak-1"), anet.join("run")]].concat();
    for path in &wide {
        open_up(path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    let elsewhere = world.directory().join("victim");
    fs::write(&elsewhere, "x").unwrap();
    open_up(&elsewhere, 0o644);
    symlink(&elsewhere, node.join("config.json.bak-2")).unwrap();
    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    assert_eq!(bad(&report, "private_files").len(), wide.len() + 1, "{report:#}");
    assert!(wide.iter().all(|path| mode(path) & 0o077 != 0), "looking changes nothing");

    let report = world.anet(&["doctor", "--fix", "--json"]).failed(1).json();
    let left = bad(&report, "private_files");
    assert!(left.len() == 1 && left[0].2.contains("symbolic link"), "{left:?}");
    for path in &wide {
        assert_eq!(mode(path) & 0o077, 0, "{}", path.display());
    }
    assert_eq!(mode(&elsewhere), 0o644, "a link leads nowhere");
    fs::remove_file(node.join("config.json.bak-2")).unwrap();
    let _healthy = world.anet(&["doctor", "--fix"]).done();
}

#[test]
fn traps_in_the_place_of_files_neither_hold_up_nor_mislead() {
    let (world, _url) = healthy();
    let path = config(&world);
    let good = fs::read(&path).unwrap();
    let node = world.node_directory("writer");
    let victim = world.directory().join("victim.json");
    fs::write(&victim, "{}").unwrap();
    open_up(&victim, 0o644);
    let restore = || {
        fs::remove_file(&path).unwrap();
        fs::write(&path, &good).unwrap();
        open_up(&path, 0o600);
    };

    fs::remove_file(&path).unwrap();
    symlink(&victim, &path).unwrap();
    let run = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    assert!(bad(&run.json(), "node_config")[0].2.contains("symbolic link"), "{run:?}");
    assert_eq!((mode(&victim), fs::read(&victim).unwrap()), (0o644, b"{}".to_vec()));
    restore();

    fs::write(&path, vec![b' '; 5 * 1024 * 1024]).unwrap();
    let run = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    only(&run, "node_config", "error", "larger than");
    restore();

    fs::write(&path, "{\n  \"runtime\": \"command\",\n  oops\n}").unwrap();
    let run = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    only(&run, "node_config", "error", "line 3 column 3");
    assert!(fs::read_to_string(&path).unwrap().contains("oops"), "a broken file is left alone");
    restore();

    for file in [node.join(".env"), world.home.join(".anet/server/admin-utok.json")] {
        let kept = fs::read(&file).ok();
        if kept.is_some() {
            fs::remove_file(&file).unwrap();
        }
        let made = Command::new("mkfifo").arg("-m").arg("600").arg(&file).status().unwrap();
        assert!(made.success());
        let run = world.anet(&["doctor", "--fix", "--json"]);
        assert!(run.stdout.contains("is not a regular file"), "{run:?}");
        fs::remove_file(&file).unwrap();
        if let Some(kept) = kept {
            fs::write(&file, kept).unwrap();
            open_up(&file, 0o600);
        }
    }
    let _healthy = world.anet(&["doctor", "--fix"]).done();
}

#[test]
fn a_supervisor_that_died_is_started_again_and_what_it_kept_runs_on() {
    let (world, _url) = healthy();
    let _started = world.anet(&["node", "start", "writer"]).done();
    let (supervisor, node) = (world.supervisor_pid(), world.node_pid("writer"));
    kill_process(supervisor);
    wait_until("the supervisor is gone", || (!process_is_alive(supervisor)).then_some(()));
    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    assert!(bad(&report, "supervisor")[0].2.contains("hub, writer"), "{report:#}");
    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert!(fixed.stdout.contains("repaired   supervisor: not running → running"), "{fixed:?}");
    assert_eq!(world.node_pid("writer"), node, "nothing was started twice");
}

#[test]
fn a_process_that_no_record_knows_is_ended_and_one_of_another_home_is_not() {
    let (world, _url) = healthy();
    let start = |home: &Path| {
        let mut command = Command::new("sleep");
        command.arg("1000").env("ANET_INSTANCE_ID", "i_of_nobody").env("ANET_HOME", home).stdin(Stdio::null());
        command.spawn().unwrap()
    };
    let mut orphan = start(&world.home.join(".anet"));
    let mut stranger = start(&world.directory().join("another"));
    let run = world.anet(&["doctor", "--json"]).done();
    only(&run, "orphans", "warning", "left over");
    assert!(bad(&run.json(), "orphans")[0].1.contains(&orphan.id().to_string()), "{run:?}");
    assert!(orphan.try_wait().unwrap().is_none(), "looking ends nothing");
    let _fixed = world.anet(&["doctor", "--fix"]).done();
    let ended = orphan.wait().unwrap();
    assert!(!ended.success());
    assert!(stranger.try_wait().unwrap().is_none(), "another home's process runs on");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_login_that_has_ended_is_said_once_and_nothing_is_repaired_with_it() {
    let (world, _url) = healthy();
    for index in 0..3 {
        world.create_node(&format!("other{index}"), "cat");
    }
    for name in ["other0", "other1", "other2"] {
        edit(&world.node_directory(name).join("config.json"), |fields| drop(fields.remove("token")));
    }
    let before = snapshot(&world);
    edit(&world.home.join(".anet/config.json"), |fields| {
        let token = fields["token"].as_str().unwrap().to_owned();
        fields.insert("note".to_owned(), token.into());
        fields.remove("token");
    });
    let run = world.anet(&["doctor", "--fix"]).failed(1);
    assert_eq!(run.stdout.matches("renewing tokens needs a login").count(), 1, "{run:?}");
    edit(&world.home.join(".anet/config.json"), |fields| {
        let token = fields.remove("note").unwrap();
        fields.insert("token".to_owned(), token);
    });
    let nodes = |files: &[(PathBuf, u32, Vec<u8>)]| -> Vec<_> {
        files.iter().filter(|file| file.0.starts_with(&world.project)).cloned().collect()
    };
    assert_eq!(nodes(&snapshot(&world)), nodes(&before));
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
    let run = world.anet(&["doctor", "--json", "ghost"]).failed(1);
    only(&run, "nodes", "error", "no such node");
    let _found = world.anet_in(&elsewhere, &["doctor", "writer"]).done();
}

#[test]
fn plain_secrets_are_named_never_shown_and_never_moved() {
    let (world, _url) = healthy();
    let path = config(&world);
    edit(&path, |fields| {
        fields.insert("env".to_owned(), serde_json::json!({ "ANTHROPIC_API_KEY": "sk-canary-1", "MODEL": "m" }));
    });
    let before = fs::read(&path).unwrap();
    let run = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    only(&run, "plain_secrets", "warning", "ANTHROPIC_API_KEY");
    assert!(!run.stdout.contains("canary") && !run.stderr.contains("canary"), "{run:?}");
    assert!(run.stdout.contains("anet node migrate-token-to-envref writer"), "{run:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_reference_without_a_value_and_a_missing_program_are_named() {
    let (world, _url) = healthy();
    edit(&config(&world), |fields| {
        fields.insert("env".to_owned(), serde_json::json!({ "KEY": { "_envRef": "KEY_N_1" } }));
        fields.insert("command".to_owned(), serde_json::json!(["no-such-program-anywhere"]));
    });
    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    assert!(bad(&report, "env_file")[0].2.contains("KEY refers to KEY_N_1"), "{report:#}");
    assert!(bad(&report, "programs")[0].2.contains("needed by writer"), "{report:#}");
    fs::write(world.node_directory("writer").join(".env"), "KEY_N_1=value\n").unwrap();
    open_up(&world.node_directory("writer").join(".env"), 0o600);
    edit(&config(&world), |fields| drop(fields.insert("command".to_owned(), serde_json::json!(["cat"]))));
    let _healthy = world.anet(&["doctor"]).done();
}

#[test]
fn the_login_of_the_hubs_host_is_renewed_when_it_has_ended() {
    let (world, _url) = healthy();
    let path = world.home.join(".anet/server/admin-utok.json");
    let dead = world.json_file(".anet/server/admin-utok.json")["token"].as_str().unwrap().to_owned();
    let sessions = world.anet(&["session", "ls", "--json"]).done().json();
    let rows = sessions["sessions"].as_array().unwrap();
    let of_file = rows.iter().find(|row| row["client_label"] == "admin-utok.json").expect("it is a session");
    let _ended = world.anet(&["session", "revoke", of_file["token_id"].as_str().unwrap()]).done();
    only(&world.anet(&["doctor", "--json"]).done(), "admin_login", "warning", "ended");
    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert!(fixed.stdout.contains("repaired   admin_login:"), "{fixed:?}");
    let new: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_ne!(new["token"], dead.as_str());
}

#[test]
fn a_refused_or_missing_token_is_renewed_in_the_nodes_own_network() {
    let (world, _url) = healthy();
    world.create_node("reader", "cat");
    let config_of = |name: &str| world.node_directory(name).join("config.json");
    let token_of = |name: &str| {
        let config: Value = serde_json::from_str(&fs::read_to_string(config_of(name)).unwrap()).unwrap();
        (config["token"].as_str().unwrap_or_default().to_owned(), config["network_id"].clone())
    };
    let (writer, network) = token_of("writer");
    let listed = world.anet(&["token", "ls", "--json"]).done().json();
    let tokens = listed["tokens"].as_array().unwrap();
    let row = tokens.iter().find(|row| row["name"] == "node:writer");
    let row = row.unwrap_or_else(|| panic!("{listed:#}"))["token_id"].as_str().unwrap().to_owned();
    let _revoked = world.anet(&["token", "revoke", &row]).done();
    edit(&config_of("reader"), |fields| drop(fields.remove("token")));
    // Another network is current meanwhile; the nodes stay in theirs.
    let _other = world.anet(&["network", "create", "elsewhere"]).done();
    let _used = world.anet(&["network", "use", "elsewhere"]).done();

    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    let found = bad(&report, "node_token");
    assert!(found.iter().any(|found| found.1 == "writer" && found.2.contains("does not know its token")), "{found:?}");
    assert!(found.iter().any(|found| found.1 == "reader" && found.2.contains("has no token")), "{found:?}");
    assert_eq!(token_of("writer").0, writer, "looking changes nothing");

    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert_eq!(fixed.stdout.matches("repaired   node_token:").count(), 2, "{fixed:?}");
    for name in ["writer", "reader"] {
        let (token, network_id) = token_of(name);
        assert_eq!(network_id, network, "{name}");
        assert!(token.starts_with("ntok_") && token != writer && !fixed.stdout.contains(&token), "{fixed:?}");
    }
    let before = snapshot(&world);
    let again = world.anet(&["doctor", "--fix", "--json"]).done().json();
    assert_eq!((&again["repairs"], snapshot(&world)), (&serde_json::json!([]), before));
}

#[test]
fn a_secret_that_only_a_shell_has_is_told_before_it_is_lost() {
    let world = World::new();
    let _started = world.anet_with(&[("KEY_N_1", "canary")], &["hub", "start", "--port", "0"]).done();
    world.create_node("writer", "cat");
    edit(&config(&world), |fields| {
        fields.insert("env".to_owned(), serde_json::json!({ "KEY": { "_envRef": "KEY_N_1" } }));
    });
    let run = world.anet(&["doctor", "--json"]).done();
    only(&run, "env_file", "warning", "only the environment of the supervisor has a value for KEY_N_1");
    assert!(!run.stdout.contains("canary"), "{run:?}");
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
