//! A supervisor dies, its children live, the next supervisor goes on.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Home, eventually, is_alive, kill, pid_in, pid_of, starts, zoo_child};

fn state(home: &Home) -> Value {
    serde_json::from_slice(&std::fs::read(home.state_file()).unwrap()).unwrap()
}

fn write_state(home: &Home, state: &Value) {
    std::fs::create_dir_all(home.state_file().parent().unwrap()).unwrap();
    std::fs::write(home.state_file(), state.to_string()).unwrap();
}

#[tokio::test]
async fn a_node_that_tells_of_its_link_is_asked_for_it_by_the_next_supervisor_and_no_other_is_signalled() {
    let home = Home::new();
    let asked = home.node("asked", &["answer-hangup X_ANET_LINK=unreachable"]);
    // A SIGHUP would end these.
    home.node("deaf", &["tell X_ANET_LINK=connected", "ready", "sleep"]);
    let silent = home.node("silent", &["become next"]);
    std::fs::write(silent.join("next"), "ready\nsleep").unwrap();
    let supervisor = home.supervise().await;
    let mut pids = Vec::new();
    for name in ["asked", "deaf", "silent"] {
        pids.push(supervisor.client.must_start(&home, name).await);
    }
    supervisor.leave().await;
    let supervisor = home.supervise().await;
    crate::harness::eventually("the link is told", async || {
        let node = supervisor.client.node("asked").await;
        (node["link"]["value"] == "unreachable").then_some(())
    })
    .await;
    assert_eq!(std::fs::read_to_string(asked.join("hangups")).unwrap(), "heard\n", "asked once");
    for (name, pid) in ["asked", "deaf", "silent"].into_iter().zip(pids) {
        assert_eq!(crate::harness::pid_of(&supervisor.client.node(name).await), pid, "{name}");
    }
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_runs_is_not_started_twice_when_the_state_file_cannot_be_read() {
    let home = Home::new();
    home.node("a", &["count", "ready", "sleep"]);
    let mut first = home.supervise_apart().await;
    let client = home.client();
    let pid = client.must_start(&home, "a").await;
    first.kill().await.unwrap();
    std::fs::write(home.state_file(), "{\"version\":1,\"nodes\":[{").unwrap();
    let supervisor = home.supervise().await;
    assert_eq!(pid_of(&client.node("a").await), pid);
    assert_eq!(starts(&home.node_directory("a")), 1);
    supervisor.shut_down().await;
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_killed_supervisors_children_are_taken_over_not_started_twice() {
    let home = Home::new();
    let names = ["a", "b", "c"];
    for name in names {
        home.node(name, &["count", "ready", "sleep"]);
    }
    home.hub_behaviour(&["serve"]);
    let mut first = home.supervise_apart().await;
    let client = home.client();
    let mut before = Vec::new();
    for name in names {
        client.must_start(&home, name).await;
        before.push(client.node(name).await);
    }
    let (status, hub) =
        client.post("/v1/hub/start", json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")})).await;
    assert_eq!(status, 200, "{hub}");
    first.kill().await.unwrap();
    assert!(before.iter().all(|node| is_alive(pid_of(node))));

    let supervisor = home.supervise().await;
    for (name, before) in names.into_iter().zip(&before) {
        let node = client.node(name).await;
        assert_eq!((&node["process"], &node["desired"]), (&before["process"], &json!("running")));
        assert_eq!(starts(&home.node_directory(name)), 1);
    }
    let adopted = client.get("/v1/hub").await;
    assert_eq!((&adopted["pid"], &adopted["url"]), (&hub["hub"]["pid"], &hub["hub"]["url"]));

    // Watched: a death is noticed, and replaced.
    kill(pid_of(&before[0]));
    client.until_replaced("a", pid_of(&before[0])).await;
    // Stoppable: the old process ends, no second one is left.
    let (status, stopped) = client.stop("b").await;
    assert_eq!((status, &stopped["node"]["process"]["last_exit"]["asked"]["reason"]), (200, &json!("stop")));
    assert!(!is_alive(pid_of(&before[1])));
    // The hub's restart binds the same port anew.
    kill(pid_of(&hub["hub"]));
    let url = eventually("the hub runs again", async || {
        let view = client.get("/v1/hub").await;
        (view["state"] == "running" && view["pid"] != hub["hub"]["pid"]).then(|| view["url"].clone())
    })
    .await;
    assert_eq!(url, hub["hub"]["url"]);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_adopted_process_that_was_not_ready_becomes_so_by_its_sign_of_life() {
    let home = Home::new();
    let directory = home.node("a", &["wait-for go", "heartbeat X_ANET_LINK=connected WATCHDOG=1"]);
    let mut first = home.supervise_apart().await;
    let client = home.client();
    let project = home.project();
    let request = reqwest::Client::builder().unix_socket(home.path().join("run/supervisor.sock")).build().unwrap();
    let asking = tokio::spawn(async move {
        request.post("http://supervisor/v1/nodes/a/start").json(&json!({"project": project})).send().await.is_ok()
    });
    let before = eventually("a is on record", async || {
        let nodes = client.get("/v1/nodes").await;
        nodes["nodes"][0]["pid"].as_i64()
    })
    .await;
    first.kill().await.unwrap();
    asking.await.unwrap();
    let supervisor = home.supervise().await;
    assert_eq!(client.node("a").await["state"], "starting");
    std::fs::write(directory.join("go"), "").unwrap();
    let node = client.until_state("a", "running").await;
    assert_eq!(node["pid"], before);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_own_childs_sign_of_life_is_not_readiness() {
    let home = Home::new();
    home.node("a", &["heartbeat X_ANET_LINK=connected WATCHDOG=1"]);
    let mut settings = home.settings();
    settings.policies.defaults.ready_timeout = std::time::Duration::from_millis(200);
    let supervisor = home.supervise_with(settings).await;
    let (status, _) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 504);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_process_whose_number_was_not_recorded_is_found_by_its_instance_id() {
    let home = Home::new();
    home.node("a", &["helper session", "count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    supervisor.leave().await;
    // As after a kill between spawn and the second write.
    let mut state = state(&home);
    state["nodes"][0]["process"]["leader"] = Value::Null;
    write_state(&home, &state);
    let supervisor = home.supervise().await;
    assert_eq!(pid_of(&supervisor.client.node("a").await), pid);
    assert_eq!(starts(&home.node_directory("a")), 1);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn an_interrupted_stop_is_finished() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    supervisor.leave().await;
    let mut state = state(&home);
    state["nodes"][0]["desired"] = json!("stopped");
    write_state(&home, &state);
    let supervisor = home.supervise().await;
    supervisor.client.until_state("a", "stopped").await;
    assert!(!is_alive(pid));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_died_meanwhile_is_swept_and_started_again() {
    let home = Home::new();
    let directory = home.node("a", &["helper daemon", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    let helper = pid_in(&directory.join("helper-daemon"));
    supervisor.leave().await;
    kill(pid);
    std::fs::remove_file(directory.join("helper-daemon")).unwrap();
    assert!(is_alive(helper));
    let supervisor = home.supervise().await;
    supervisor.client.until_replaced("a", pid).await;
    assert!(!is_alive(helper), "the dead process's helper survived");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_recycled_process_number_is_never_touched() {
    a_stranger_under_a_recorded_number_is_never_touched().await;
}

pub(crate) async fn a_stranger_under_a_recorded_number_is_never_touched() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    // A stranger that leads a session of its own, as a login shell would, with a child in it.
    let mut stranger = tokio::process::Command::new("setsid")
        .args(["sh", "-c", "sleep 1000 & wait"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = stranger.id().unwrap();
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let its_own: u64 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(22 - 3).unwrap().parse().unwrap();
    // By chance a boot gives out a number at the very tick at which another did.
    let cases = [
        (boot_id.trim(), 1, "running"),
        (boot_id.trim(), 1, "stopped"),
        ("another-boot", its_own, "stopped"),
        ("another-boot", its_own, "running"),
    ];
    for (boot_id, start_time, desired) in cases {
        write_state(
            &home,
            &json!({"version": 1, "executable": zoo_child(), "hub": null, "nodes": [{
                "name": "a", "project": home.project().canonicalize().unwrap(), "desired": desired,
                "process": {"instance": "i_00000000000000aa", "boot_id": boot_id, "started_at": "2026-11-22 05:43:55",
                    "leader": {"pid": pid, "start_time": start_time}, "ready_at": null, "stderr_from": 0}}]}),
        );
        let supervisor = home.supervise().await;
        if desired == "running" {
            supervisor.client.until_replaced("a", i32::try_from(pid).unwrap()).await;
        } else {
            assert_eq!(supervisor.client.node("a").await["state"], "stopped");
        }
        supervisor.client.stop("a").await;
        supervisor.shut_down().await;
        assert!(stranger.try_wait().unwrap().is_none(), "the stranger was killed");
    }
    let group = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    stranger.wait().await.unwrap();
}

#[tokio::test]
async fn any_rubbish_that_a_power_cut_leaves_is_survived() {
    for combination in 0..16_u8 {
        let has = |bit: u8| combination & (1 << bit) != 0;
        let home = Home::new();
        home.node("a", &["ready", "sleep"]);
        std::fs::create_dir_all(home.path().join("run")).unwrap();
        std::fs::create_dir_all(home.path().join("supervisor")).unwrap();
        if has(0) {
            let sockets = ["supervisor.sock", "notify.sock"].map(|name| home.path().join("run").join(name));
            drop(std::os::unix::net::UnixListener::bind(&sockets[0]).unwrap());
            drop(std::os::unix::net::UnixDatagram::bind(&sockets[1]).unwrap());
        }
        if has(1) {
            std::fs::write(home.path().join("run/supervisor.lock"), "1\n").unwrap();
        }
        if has(2) {
            std::fs::write(home.path().join("supervisor/.state-x"), "{\"version\":").unwrap();
        }
        if has(3) {
            std::fs::write(home.state_file(), "{\"version\":1,\"nodes\":[{").unwrap();
        }
        let supervisor = home.supervise().await;
        supervisor.client.must_start(&home, "a").await;
        let names: Vec<String> = std::fs::read_dir(home.path().join("supervisor"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names.iter().any(|name| name.starts_with("state.json.corrupt-")), has(3), "{names:?}");
        assert!(names.iter().all(|name| !name.starts_with(".state-")), "{names:?}");
        supervisor.shut_down().await;
    }
}

/// R24 in small: the supervisor is killed after 1, 2, 3… state changes of a node that keeps crashing, so
/// in the middle of a spawn, a sweep, a write. There is never a second copy.
#[tokio::test]
async fn a_supervisor_killed_at_any_state_change_leaves_one_copy() {
    let home = Home::new();
    // READY may be said to a supervisor that is just dying; the signs of life after it are for the next one.
    home.node("a", &["helper daemon", "ready", "heartbeat X_ANET_LINK=connected WATCHDOG=1"]);
    let client = home.client();
    let mut supervisor = home.supervise_apart().await;
    let mut pid = client.must_start(&home, "a").await;
    for changes in 1..=12 {
        let mut stream = client.stream("/v1/events").await;
        assert_eq!(home.copies("a"), 1, "after {} kills", changes - 1);
        kill(pid);
        let mut seen = String::new();
        while seen.matches("\"state\":").count() < changes {
            seen.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
            if seen.contains("running") {
                break;
            }
        }
        supervisor.kill().await.unwrap();
        supervisor = home.supervise_apart().await;
        pid = client.until_replaced("a", pid).await;
    }
    assert_eq!(home.copies("a"), 1);
    supervisor.kill().await.unwrap();
    home.supervise().await.shut_down().await;
    assert!(home.processes().is_empty());
}

#[tokio::test]
async fn a_start_that_cannot_be_recorded_does_not_happen() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_millis(50);
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.client.stop("a").await;
    let (state, aside) = (home.path().join("supervisor"), home.path().join("aside"));
    std::fs::rename(&state, &aside).unwrap();
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!(status, 502);
    assert!(error["error"].as_str().unwrap().contains("cannot write"), "{error}");
    assert_eq!(starts(&directory), 1, "it was started without a record");
    // It may pass, so it is tried again.
    std::fs::rename(&aside, &state).unwrap();
    supervisor.client.until_state("a", "running").await;
    assert_eq!(starts(&directory), 2);
    supervisor.shut_down().await;
}
