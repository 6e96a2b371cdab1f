use std::path::Path;
use std::process::{Command, Stdio};

use anet_tests::{kill_process, process_is_alive, wait_until};

use super::{bad, healthy, only};

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
