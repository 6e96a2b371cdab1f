use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use anet_tests::{World, kill_process, wait_until};
use serde_json::Value;

use super::{bad, config, edit, healthy, mode, only, open_up, snapshot};

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
    assert!(fixed.stdout.contains("repaired   old fields: writer: `alias` → `node_name`"), "{fixed:?}");
    let fields: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((&fields["node_name"], &fields["session"]), (&"writer".into(), &"s-1".into()));
    assert_eq!(fields["of_tomorrow"]["kept"], serde_json::json!([1, 2]));
    assert!(fields.get("alias").is_none() && fields.get("resume").is_none(), "{fields:#}");
    let after = snapshot(&world);
    let again = world.anet(&["doctor", "--fix", "--json"]).done().json();
    assert_eq!((snapshot(&world), &again["repairs"]), (after, &serde_json::json!([])));
}

#[test]
fn a_missing_identity_is_the_one_that_the_hub_knows_the_token_for() {
    let (world, _url) = healthy();
    let path = config(&world);
    let identity = || {
        let fields: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        fields["node_id"].clone()
    };
    let known = identity();
    edit(&path, |fields| drop(fields.remove("node_id")));
    let _stopped = world.anet(&["hub", "stop"]).done();
    let _silent = world.anet(&["doctor", "--fix", "--json"]).failed(1);
    assert_eq!(identity(), Value::Null, "nobody could be asked");
    let _started = world.anet(&["hub", "start"]).done();
    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert!(fixed.stdout.contains("repaired   identity: writer: no `node_id` → `node_id` "), "{fixed:?}");
    assert_eq!(identity(), known);
    let _works = world.anet(&["node", "start", "writer"]).done();
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
fn a_node_whose_file_was_mended_is_up_before_the_doctor_says_that_all_is_well() {
    let (world, _url) = healthy();
    let dot_env = world.node_directory("writer").join(".env");
    let _started = world.anet(&["node", "start", "writer"]).done();
    fs::write(&dot_env, "KEY_N_1=x\n").unwrap();
    open_up(&dot_env, 0o644);
    kill_process(world.node_pid("writer"));
    wait_until("it is given up", || (world.node("writer")["state"] == "needs_attention").then_some(()));
    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert!(fixed.stdout.contains("repaired   files: ") && fixed.stdout.contains("mode 0644 → mode 0600"), "{fixed:?}");
    assert!(fixed.stdout.ends_with(" ok, 0 warnings, 0 errors\n"), "{fixed:?}");
    let node = world.node("writer");
    assert_eq!((&node["state"], &node["link"]["value"]), (&"running".into(), &"connected".into()), "{node}");
    let again = world.anet(&["doctor", "--fix", "--json"]).done().json();
    assert_eq!(again["repairs"], serde_json::json!([]));
}
