use super::*;

fn node(process: &Value, pid: Option<u32>, project: &Path) -> Value {
    json!([{
        "name": "a", "node_id": "n_1", "runtime": "command", "state": "x", "pid": pid, "project": project,
        "desired": "running", "link": null, "work": null, "restarts": 0, "config_error": null, "process": process,
    }])
}

#[tokio::test]
async fn another_version_and_a_replaced_program_are_told() {
    let mut scene = Scene::new();
    scene.supervised(&json!([]));
    assert_eq!(scene.bad("supervisor").await, []);
    let change = |scene: &mut Scene, change: fn(&mut SupervisorStatus)| {
        scene.supervised(&json!([]));
        let SupervisorSight::Running(status) = &mut scene.patient.supervisor else { panic!("it runs") };
        change(status);
    };
    change(&mut scene, |status| status.version = "1.0.0".to_owned());
    assert!(scene.one("supervisor").await.1.contains("it has version 1.0.0, this program 1.2.3"));
    change(&mut scene, |status| status.executable_is_current = false);
    assert!(scene.one("supervisor").await.1.contains("/bin/sh was moved or replaced"));
    scene.patient.supervisor = SupervisorSight::Strange("it speaks control protocol 9".to_owned());
    assert_eq!(scene.one("supervisor").await.0, Severity::Error);
}

#[tokio::test]
async fn a_supervisor_is_missed_only_where_something_is_wanted_of_it() {
    let scene = Scene::new();
    assert_eq!(scene.bad("supervisor").await, []);
    let state = |desired: &str| {
        json!({
            "version": 1, "executable": "/x", "hub": null,
            "nodes": [{ "name": "a", "project": scene.project(), "desired": desired, "process": null }],
        })
        .to_string()
    };
    let path = scene.patient.home.join("supervisor/state.json");
    write(&path, &state("stopped"));
    assert_eq!(scene.bad("supervisor").await, []);
    write(&path, &state("running"));
    let (severity, seen, is_repairable) = scene.one("supervisor").await;
    assert!(severity == Severity::Error && is_repairable && seen.ends_with("should keep running: a"), "{seen}");
    write(&path, "{\"version\":");
    assert!(scene.one("supervisor").await.1.contains("not understood"));
}

#[tokio::test]
async fn a_node_that_is_not_well_is_told_with_the_reason() {
    let mut scene = Scene::new();
    scene.node(&scene.project(), "a", &json!({ "node_name": "a", "node_id": "n_1" }));
    let exit = json!({ "at": "2027-01-15 07:00:00", "cause": "code", "code": 77, "hint": "put it there" });
    let since = "2027-01-15 07:00:00";
    for (process, words) in [
        (
            json!({ "state": "needs_attention", "since": since, "reason": "a key is missing", "last_exit": exit }),
            "a key is missing",
        ),
        (json!({ "state": "backoff", "until": since, "attempt": 9, "last_exit": exit }), "9 failures in a row"),
        (json!({ "state": "stopped", "since": since }), "should run, and does not"),
    ] {
        let nodes = node(&process, None, &scene.project());
        scene.supervised(&nodes);
        let (severity, seen, _) = scene.one("process").await;
        assert!(severity == Severity::Error && seen.contains(words), "{seen}");
    }
}

#[tokio::test]
async fn a_node_that_works_in_a_deleted_directory_is_told() {
    let mut scene = Scene::new();
    scene.node(&scene.project(), "a", &json!({ "node_name": "a", "node_id": "n_1" }));
    let gone = scene.directory.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let mut child =
        tokio::process::Command::new("sleep").arg("1000").current_dir(&gone).kill_on_drop(true).spawn().unwrap();
    let since = "2027-01-15 07:00:00";
    let pid = child.id().unwrap();
    let process = json!({ "state": "running", "pid": pid, "since": since, "ready_at": since });
    let nodes = node(&process, Some(pid), &scene.project());
    scene.supervised(&nodes);
    assert_eq!(scene.bad("directories").await, []);
    std::fs::remove_dir(&gone).unwrap();
    let (severity, seen, _) = scene.one("directories").await;
    assert!(severity == Severity::Error && seen.contains("gone (deleted)"), "{seen}");
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_node_of_another_version_and_what_was_changed_since_the_start_are_told() {
    let mut scene = Scene::new();
    scene.node(&scene.project(), "a", &json!({ "node_name": "a", "node_id": "n_1" }));
    let since = "2027-01-15 07:00:00";
    let process = json!({ "state": "running", "pid": 1, "since": since, "ready_at": since });
    let mut nodes = node(&process, Some(1), &scene.project());
    nodes[0]["version"] = "1.0.0".into();
    scene.supervised(&nodes);
    assert!(scene.one("process").await.1.contains("with version 1.0.0, installed is 1.2.3"));
    nodes[0]["version"] = VERSION.into();
    scene.supervised(&nodes);
    assert_eq!(scene.bad("process").await, []);

    let plan = json!({
        "settings_changed": true, "unchanged": 0, "unusable": [],
        "restarts": [{ "name": "a", "project": scene.project(), "reasons": ["environment"] }],
    });
    scene.patient.plan = Some(serde_json::from_value(plan).unwrap());
    let found = scene.bad("config_drift").await;
    assert!(found.len() == 2 && found[1].1.contains("environment"), "{found:?}");
}

#[tokio::test]
async fn what_no_record_knows_is_left_to_the_next_supervisor_before_anything_is_ended() {
    let mut scene = Scene::new();
    let mut child = tokio::process::Command::new("sleep");
    let child = child.arg("1000").env("ANET_INSTANCE_ID", "i_of_nobody").env("ANET_HOME", &scene.patient.home);
    let mut child = child.kill_on_drop(true).spawn().unwrap();
    let repair = async |scene: &Scene| {
        let findings = examine(&scene.patient).await;
        findings.into_iter().find(|finding| finding.check == "orphans").and_then(|finding| finding.repair)
    };
    let state = scene.patient.home.join("supervisor/state.json");
    let empty = json!({ "version": 1, "executable": "/x", "hub": null, "nodes": [] }).to_string();
    for text in [None, Some("{\"version\":"), Some(&*empty)] {
        if let Some(text) = text {
            write(&state, text);
        }
        assert_eq!(repair(&scene).await, Some(Repair::StartSupervisor), "{text:?}");
    }
    scene.supervised(&json!([]));
    assert!(matches!(repair(&scene).await, Some(Repair::EndProcess { pid, .. }) if Some(pid) == child.id()));
    std::fs::remove_file(&state).unwrap();
    assert_eq!(repair(&scene).await, None, "without its records nobody knows what it has");
    child.kill().await.unwrap();
}
