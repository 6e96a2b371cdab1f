use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use anet_tests::{World, anet_program, kill_process, process_is_alive, wait_until};

/// Stands in for the tools of a machine on which systemd runs: writes down what it is asked.
fn fake_tool(world: &World, name: &str, words: &str) -> String {
    let directory = world.directory().join("tools");
    fs::create_dir_all(&directory).unwrap();
    let log = world.directory().join("asked");
    let script = format!("#!/bin/sh\necho \"{name} $*\" >> {}\n{words}\n", log.display());
    fs::write(directory.join(name), script).unwrap();
    fs::set_permissions(directory.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", directory.display())
}

fn asked(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.directory().join("asked")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_dry_run_prints_the_units_and_changes_nothing() {
    let world = World::new();
    let before = fs::read_dir(&world.home).unwrap().count();
    let run = world.anet(&["service", "install", "--dry-run", "--json"]).done();
    let files = run.json();
    let unit = files[world.home.join(".config/systemd/user/anet.service").to_str().unwrap()].as_str().unwrap();
    let program = fs::canonicalize(anet_program()).unwrap();
    assert!(unit.contains(&format!("ExecStart=\"{}\" supervisor run\n", program.display())), "{unit}");
    assert!(unit.contains(&format!("Environment=\"ANET_HOME={}\"", world.home.join(".anet").display())), "{unit}");
    assert_eq!(files.as_object().unwrap().len(), 2);
    let list = world.anet(&["service", "install", "--dry-run", "--launchd"]).done();
    assert!(list.stdout.contains("<key>KeepAlive</key>"), "{list:?}");
    assert_eq!(fs::read_dir(&world.home).unwrap().count(), before);
}

#[test]
fn installing_hands_what_runs_to_systemd_and_lets_it_outlive_the_login() {
    let world = World::new();
    let _url = world.start_hub();
    let (supervisor, hub) = (world.supervisor_pid(), world.hub_pid());
    fake_tool(&world, "systemctl", "case \"$*\" in *is-*) echo active;; esac");
    let state = world.directory().join("linger");
    let linger = format!(
        "case \"$1\" in enable-linger) echo yes > {0};; *) cat {0} 2>/dev/null || echo no;; esac",
        state.display()
    );
    let path = fake_tool(&world, "loginctl", &linger);
    let run = world.anet_with(&[("PATH", &path)], &["service", "install"]).done();
    assert!(run.stderr.contains("start at boot"), "{run:?}");
    let units = world.home.join(".config/systemd/user");
    assert!(units.join("anet.service").is_file() && units.join("anet.socket").is_file());
    assert!(
        asked(&world).contains(&"systemctl --user enable --now anet.socket anet.service".to_owned()),
        "{:?}",
        asked(&world)
    );
    assert!(asked(&world).iter().any(|line| line.starts_with("loginctl enable-linger")), "{:?}", asked(&world));
    assert!(!process_is_alive(supervisor), "two would want the socket");
    assert!(process_is_alive(hub), "what ran is taken over, not restarted");

    let status = world.anet_with(&[("PATH", &path)], &["service", "status", "--json"]).done().json();
    assert_eq!((&status["units"][0]["installed"], &status["linger"]), (&true.into(), &true.into()));
    let _removed = world.anet_with(&[("PATH", &path)], &["service", "uninstall"]).done();
    assert!(!units.join("anet.service").exists() && !units.join("anet.socket").exists());
    let again = world.anet_with(&[("PATH", &path)], &["service", "uninstall"]).done();
    assert!(again.stderr.contains("nothing of anet is installed"), "{again:?}");
    let _none = world.anet_with(&[("PATH", &path)], &["service", "status"]).failed(1);
    let _started = world.anet(&["supervisor", "start"]).done();
    assert_eq!(world.hub_pid(), hub);
}

#[test]
fn without_systemd_nothing_is_written_and_the_way_out_is_named() {
    let world = World::new();
    let run = world.anet_with(&[("PATH", "/nonexistent")], &["service", "install"]).failed(1);
    assert!(run.stderr.contains("hint: this machine has no systemd to talk to"), "{run:?}");
    assert!(!world.home.join(".config").exists());
}

#[test]
fn an_installation_that_fails_on_the_way_leaves_everything_as_it_was() {
    let world = World::new();
    let _url = world.start_hub();
    let hub = world.hub_pid();
    fake_tool(&world, "loginctl", "echo yes");
    let path = fake_tool(&world, "systemctl", "case \"$*\" in *enable*) echo 'Unit is masked.' >&2; exit 1;; esac");
    let run = world.anet_with(&[("PATH", &path)], &["service", "install"]).failed(1);
    assert!(run.stderr.contains("Unit is masked") && run.stderr.contains("nothing is installed"), "{run:?}");
    let units = world.home.join(".config/systemd/user");
    assert_eq!(fs::read_dir(&units).unwrap().count(), 0);
    assert!(asked(&world).last().unwrap().ends_with("daemon-reload"), "{:?}", asked(&world));
    assert!(process_is_alive(world.supervisor_pid()) && world.hub_pid() == hub, "a supervisor looks after it again");
    // Units of an earlier installation are put back, and stay enabled.
    fs::write(units.join("anet.service"), "[Service]\nExecStart=/bin/true\n").unwrap();
    let _failed = world.anet_with(&[("PATH", &path)], &["service", "install"]).failed(1);
    assert_eq!(fs::read_to_string(units.join("anet.service")).unwrap(), "[Service]\nExecStart=/bin/true\n");
    let disabled = asked(&world).iter().filter(|line| line.contains(" disable ")).count();
    assert_eq!(disabled, 1, "only the first time");
    // Without the right to go on after logout there is nothing to install.
    fs::remove_file(units.join("anet.service")).unwrap();
    let path = fake_tool(&world, "loginctl", "case \"$1\" in enable-linger) exit 1;; *) echo no;; esac");
    let run = world.anet_with(&[("PATH", &path)], &["service", "install"]).failed(1);
    assert!(run.stderr.contains("hint: sudo loginctl enable-linger"), "{run:?}");
    assert_eq!(fs::read_dir(&units).unwrap().count(), 0);
}

#[test]
fn the_machines_service_does_not_run_agents_as_root() {
    let world = World::new();
    let dry = ["service", "install", "--system", "--dry-run"];
    if nix::unistd::geteuid().is_root() {
        let run = world.anet(&dry).failed(1);
        assert!(run.stdout.is_empty() && run.stderr.contains("--run-as USER"), "{run:?}");
    }
    let run = world.anet(&[&dry[..], &["--run-as", "root"]].concat()).failed(1);
    assert!(run.stderr.contains("agents must not run as root"), "{run:?}");
    let run = world.anet(&[&dry[..], &["--run-as", "nobody"]].concat()).done();
    assert!(run.stdout.contains("User=nobody\n"), "{run:?}");
}

#[test]
fn systemd_may_hold_the_socket_and_then_it_stays_when_the_supervisor_leaves() {
    let world = World::new();
    let socket = world.home.join(".anet/run/supervisor.sock");
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    // systemd's own tool: listens, and starts the program at the first connection.
    let mut command = Command::new("systemd-socket-activate");
    command.args(["--fdname=control", "-E", "HOME", "-E", "PATH", "--listen"]).arg(&socket).arg(anet_program());
    command.args(["supervisor", "run"]).env_clear().env("HOME", &world.home).env("PATH", "/usr/bin:/bin");
    let mut child = command.current_dir(&world.project).stderr(Stdio::null()).spawn().unwrap();
    wait_until("it listens", || socket.exists().then_some(()));
    let status = world.anet(&["supervisor", "status", "--json"]).done().json();
    assert_eq!(status["pid"], child.id(), "it was started by the first question, in the same process");
    let _url = world.start_hub();
    let hub = world.hub_pid();
    // An upgrade keeps the socket, and keeps knowing whose it is.
    let _upgraded = world.anet(&["supervisor", "upgrade"]).done();
    assert_eq!((world.supervisor_pid(), world.hub_pid()), (child.id(), hub));
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    assert!(child.wait().unwrap().success());
    assert!(socket.exists(), "the socket is the service manager's to remove");
    fs::remove_file(&socket).unwrap();
}

#[test]
fn what_systemd_runs_after_a_crash_stops_nothing() {
    let world = World::new();
    let _url = world.start_hub();
    let hub = world.hub_pid();
    kill_process(world.supervisor_pid());
    // ExecStop of the unit, with no main process left.
    let _nothing = world.anet(&["supervisor", "stop", "--main-pid="]).done();
    assert!(process_is_alive(hub));
    let _started = world.anet(&["supervisor", "start"]).done();
    assert_eq!(world.hub_pid(), hub);
}
