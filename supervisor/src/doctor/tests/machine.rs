use super::*;

#[tokio::test]
async fn broken_settings_are_named_with_line_and_column_and_the_file_is_left_alone() {
    let scene = Scene::new();
    let path = scene.patient.home.join("config.json");
    write(&path, "{\n  \"hub\": oops\n}");
    let (severity, seen, is_repairable) = scene.one("global_config").await;
    assert!(severity == Severity::Error && seen.contains("line 2 column 1") && !is_repairable, "{seen}");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert!(scene.one("global_config").await.1.contains("symbolic link"));
}

#[tokio::test]
async fn files_of_the_older_tools_that_say_who_one_is_are_told() {
    let scene = Scene::new();
    write(&scene.project().join(".mcp.json"), "{\n oops\n}");
    assert!(scene.one("project_files").await.1.contains("line 2 column 2"));
    let entry = json!({ "mcpServers": { "commhub": { "env": { "COMMHUB_TOKEN": "utok_canary" } } } });
    write(&scene.project().join(".mcp.json"), &entry.to_string());
    let (severity, seen, _) = scene.one("project_files").await;
    assert!(severity == Severity::Warning && !seen.contains("canary"), "{seen}");
    write(&scene.project().join(".mcp.json"), r#"{"mcpServers":{}}"#);
    write(&scene.project().join(".anet/.env"), "COMMHUB_TOKEN=utok_canary\n");
    assert!(scene.one("project_files").await.1.contains("every node of the project would share"));
}

#[tokio::test]
async fn an_empty_file_of_telegram_is_a_lost_token() {
    let scene = Scene::new();
    let path = scene.directory.path().join("home/.claude/channels/telegram/.env");
    write(&path, "TELEGRAM_BOT_TOKEN=1:x\n");
    assert_eq!(scene.bad("telegram").await, []);
    write(&path, "\n");
    assert_eq!(scene.one("telegram").await.0, Severity::Warning);
}

#[tokio::test]
async fn a_project_whose_tokens_could_reach_git_is_told() {
    let scene = Scene::new();
    scene.node(&scene.project(), "a", &json!({ "node_name": "a", "node_id": "n_1" }));
    let (_, seen, is_repairable) = scene.one("git").await;
    assert!(seen.starts_with("missing: nodes/ .env*") && is_repairable, "{seen}");
    write(&scene.project().join(".anet/.gitignore"), &format!("{}\n", checks::git::NOT_FOR_GIT.join("\n")));
    assert_eq!(scene.bad("git").await, []);
}

#[tokio::test]
async fn a_file_system_without_room_is_told_and_one_with_room_is_not() {
    let mut scene = Scene::new();
    // The kernel's own file systems have no room, whatever machine this is.
    scene.patient.database = "/proc/self/commhub.db".into();
    let (severity, seen, is_repairable) = scene.one("disk").await;
    assert!(severity == Severity::Error && seen == "0 MiB left" && !is_repairable, "{seen}");
    scene.patient.database = scene.patient.home.join("commhub.db");
    assert_eq!(scene.bad("disk").await, []);
    let node = scene.node(&scene.project(), "a", &json!({ "node_name": "a", "node_id": "n_1" }));
    std::os::unix::fs::symlink("/proc/self", node.join("logs")).unwrap();
    assert_eq!(scene.one("disk").await.1, "0 MiB left", "logs may lie on a disk of their own");
}

#[tokio::test]
async fn an_empty_machine_is_looked_at_without_a_trace() {
    let scene = Scene::new();
    let before = std::fs::read_dir(&scene.patient.home).unwrap().count();
    let findings = examine(&scene.patient).await;
    assert!(findings.iter().any(|finding| finding.check == "disk"));
    assert_eq!(std::fs::read_dir(&scene.patient.home).unwrap().count(), before);
}

#[tokio::test]
async fn a_wrong_settings_file_of_the_supervisor_is_named_with_line_and_column() {
    let scene = Scene::new();
    let path = scene.patient.home.join("supervisor.toml");
    write(&path, "[defaults]\nno_such_key = 1\n");
    let (severity, seen, _) = scene.one("settings_file").await;
    assert!(
        severity == Severity::Error && seen.contains("supervisor.toml:2:1") && seen.contains("no_such_key"),
        "{seen}"
    );
    write(&path, "");
    assert_eq!(scene.bad("settings_file").await, []);
    write(&path, "[node.ghost]\n[node.later]\n");
    std::fs::create_dir_all(scene.project().join(".anet/programs/later")).unwrap();
    let (severity, seen, _) = scene.one("settings_file").await;
    assert!(severity == Severity::Warning && seen.ends_with("no node or program: ghost"), "{seen}");
    let findings = examine(&scene.patient).await;
    let why = findings.into_iter().find(|finding| finding.check == "settings_file").and_then(|finding| finding.why);
    assert!(why.is_some_and(|why| why.starts_with("they do nothing")), "a supervisor does start with them: {why:?}");
    std::fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    assert!(scene.one("settings_file").await.1.contains("not a regular file"));
}
