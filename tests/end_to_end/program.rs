use std::fs;

use anet_tests::{World, kill_process, wait_until};

#[test]
fn any_program_is_kept_alive_and_obeys_the_verbs_of_a_node() {
    let world = World::new();
    fs::write(world.project.join("secrets"), "API_KEY=correct-horse-battery\n").unwrap();
    let script = "echo \"$API_KEY is set\"; exec sleep 1000";
    let run = ["run", "clock", "--env-file", "secrets", "--", "sh", "-c", script];
    let started = world.anet(&run).done();
    assert!(
        started.stderr.contains("does not say when it is ready") && started.stderr.contains("warning: sh"),
        "{started:?}"
    );
    let node = world.node("clock");
    assert_eq!((node["runtime"].as_str(), node["tells_ready"].as_bool()), (Some("program"), Some(false)));
    let pid = world.node_pid("clock");
    kill_process(pid);
    wait_until("it runs again", || world.node("clock")["pid"].as_u64().filter(|now| *now != u64::from(pid)));
    wait_until("its output is kept", || world.anet(&["logs", "clock"]).done().stdout.contains("is set").then_some(()));
    let log = world.anet(&["logs", "clock", "--json", "--stream", "out", "--grep", "set$", "-n", "1"]).done();
    assert!(log.stdout.contains("\"line\":\"*** is set\"") && log.stdout.contains("\"id\":\"output.log:"), "{log:?}");
    let _restarted = world.anet(&["node", "restart", "clock"]).done();
    let _stopped = world.anet(&["node", "stop", "clock"]).done();
    assert_eq!(world.node("clock")["state"], "stopped");
    let again = world.anet(&["run", "clock", "--", "true"]).failed(1);
    assert!(again.stderr.contains("there is a program clock here already"), "{again:?}");
    let _started = world.anet(&["run", "clock"]).done();
    let refused = world.anet(&["node", "rename", "clock", "watch"]).failed(1);
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    let _renamed = world.anet(&["node", "rename", "clock", "watch", "--force"]).done();
    assert_eq!(world.node("watch")["state"], "running");
    assert!(!world.project.join(".anet/programs/clock").exists());
    let _back = world.anet(&["node", "rename", "watch", "clock", "--force"]).done();
    let asked = world.anet(&["node", "delete", "clock"]).failed(1);
    assert!(asked.stderr.contains("stop it, delete ") && !asked.stderr.contains("token"), "{asked:?}");
    let _deleted = world.anet(&["node", "delete", "clock", "--force"]).done();
    assert!(!world.project.join(".anet/programs/clock").exists());
}

#[test]
fn a_program_whose_port_is_taken_is_not_started_and_the_owner_is_named() {
    let world = World::new();
    let owner = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = owner.local_addr().unwrap().port().to_string();
    let me = format!("(process {})", std::process::id());
    // A process that another test is just making holds it too, until it executes its program.
    let refused = wait_until("the owner is named", || {
        let refused = world.anet(&["run", "web", "--port", &port, "--", "sleep", "1000"]).failed(1);
        assert!(refused.stderr.contains(&format!("port {port} is taken by ")), "{refused:?}");
        refused.stderr.contains(&me).then_some(refused)
    });
    assert!(refused.stderr.contains("web is not kept"), "{refused:?}");
    assert!(!world.project.join(".anet/programs/web").exists());
    drop(owner);
    let _started = world.anet(&["run", "web", "--port", &port, "--", "sleep", "1000"]).done();
}

#[test]
fn a_program_that_cannot_be_executed_is_not_kept_and_one_that_was_is() {
    let world = World::new();
    let refused = world.anet(&["run", "ghost", "--", "./no-such-program"]).failed(78);
    assert!(refused.stderr.contains("no-such-program") && refused.stderr.contains("ghost is not kept"), "{refused:?}");
    let nodes = world.anet(&["node", "ls", "--json"]).done();
    assert!(!nodes.stdout.contains("ghost"), "{nodes:?}");
    // It was executed, and ends before it is ready: that is a program with a fault, not one that is not there.
    let failed = world.anet(&["run", "hasty", "--notify", "--", "sh", "-c", "exit 78"]).failed(1);
    assert!(failed.stderr.contains("hasty is kept"), "{failed:?}");
    assert!(world.project.join(".anet/programs/hasty").is_dir());
}

#[test]
fn what_another_supervisor_keeps_is_taken_over_and_a_bad_file_changes_nothing() {
    let world = World::new();
    fs::write(world.project.join("Procfile"), "web: sleep 1000\nworker: echo $HOME | cat\n").unwrap();
    let dry = world.anet(&["import", "procfile", "Procfile", "--dry-run", "--json"]).done().json();
    assert_eq!((dry["programs"].as_array().unwrap().len(), &dry["left_out"][0]["program"]), (2, &"worker".into()));
    assert!(!world.project.join(".anet/programs").exists());
    let _imported = world.anet(&["import", "procfile", "Procfile"]).done();
    let _started = world.anet(&["run", "web"]).done();
    assert_eq!(world.node("web")["state"], "running");
    let refused = world.anet(&["import", "procfile", "Procfile"]).failed(1);
    assert!(refused.stderr.contains("already"), "{refused:?}");
    fs::write(world.project.join("bad"), "new: sleep 1\nnonsense\n").unwrap();
    let refused = world.anet(&["import", "procfile", "bad"]).failed(1);
    assert!(refused.stderr.contains("bad: line 2"), "{refused:?}");
    assert!(!world.project.join(".anet/programs/new").exists());
}

#[test]
fn what_is_imported_is_kept_as_the_other_supervisor_kept_it() {
    let world = World::new();
    fs::write(
        world.project.join("supervisord.conf"),
        "[program:once]\ncommand=true\nautorestart=false\nstopwaitsecs=3\nstopsignal=QUIT\nstartsecs=5\n",
    )
    .unwrap();
    let _started = world.anet(&["supervisor", "start"]).done();
    let settings = world.home.join(".anet/supervisor.toml");
    fs::write(&settings, "[node.once]\nrestart = \"always\"\n").unwrap();
    let wrong = world.anet(&["import", "pm2", "supervisord.conf"]).failed(1);
    assert!(wrong.stderr.contains("anet import supervisord supervisord.conf"), "{wrong:?}");
    let imported = world.anet(&["import", "supervisord", "supervisord.conf"]).done();
    assert!(imported.stderr.contains("its policy: restart = \"never\""), "{imported:?}");
    let text = fs::read_to_string(&settings).unwrap();
    assert_eq!(text, "[node.once]\nrestart = \"always\"\n", "what a person wrote is not touched");
    // What the program says itself counts: its end is not followed by a start.
    let _started = world.anet(&["run", "once"]);
    wait_until("it is not started again", || (world.node("once")["state"] == "stopped").then_some(()));
    // And only for it: a program of that name elsewhere, or after it, is kept as it would be without the import.
    let _deleted = world.anet(&["node", "delete", "once", "--force"]).done();
    let _started = world.anet(&["run", "once", "--", "sleep", "0.01"]);
    wait_until("it is started again", || (world.node("once")["restarts"].as_u64() >= Some(1)).then_some(()));
    // A wrong key is told by the next start, which is not tried again until it is mended.
    let path = world.project.join(".anet/programs/once/config.json");
    let text = fs::read_to_string(&path).unwrap();
    let _stopped = world.anet(&["node", "stop", "once"]).done();
    fs::write(&path, text.replacen('{', "{\"policy\":{\"restarts\":1},", 1)).unwrap();
    let refused = world.anet(&["run", "once"]).failed(78);
    assert!(refused.stderr.contains("`policy`: unknown field `restarts`"), "{refused:?}");
}
