use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anet_tests::{World, kill_process, wait_until};
use serde_json::{Value, json};

/// Generous, because many tests share the machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn events(world: &World, arguments: &[&str]) -> Vec<Value> {
    let run = world.anet(&[&["events", "--json"], arguments].concat()).done();
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What happened, a word each: the state of the process, or the kind of another event.
fn words(events: &[Value]) -> Vec<&str> {
    let word = |event: &Value| match event["happening"]["kind"].as_str() {
        Some("state") | None => event["process"]["state"].as_str().map(str::to_owned),
        kind => kind.map(str::to_owned),
    };
    let words: Vec<String> = events.iter().filter_map(word).collect();
    words.into_iter().map(|word| &*word.leak()).collect()
}

/// A command that follows, ended when the test ends.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn new(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command_in(&world.project, arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines }
    }

    /// The next line in which `word` is found.
    fn next(&mut self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("in vain: {word}: {error}"));
            if line.contains(word) {
                return line;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

#[test]
fn a_stop_tells_while_it_lasts_who_asked_and_why() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let _stopped = world.anet(&["node", "stop", "writer"]).done();
    let told = events(&world, &["writer"]);
    let stopping = told.iter().find(|event| event["process"]["state"] == "stopping").expect("stopping");
    assert_eq!(stopping["process"]["asked"]["reason"], "stop");
    assert!(stopping["process"]["asked"]["by"]["pid"].is_u64(), "{stopping}");
    let text = world.anet(&["events", "writer"]).done().stdout;
    assert!(text.lines().any(|line| line.contains("  stopping  ") && line.contains("stopped by uid")), "{text}");
}

#[test]
fn a_follower_hears_of_an_adoption_of_a_lost_link_and_of_a_regained_one_and_a_cursor_resumes() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let mut follower = Follower::new(&world, &["events", "--follow", "--json", "writer"]);
    let first: Value = serde_json::from_str(&follower.next("\"running\"")).unwrap();
    let _stopped = world.anet(&["hub", "stop"]).done();
    assert!(follower.next("\"link\"").contains("reconnecting"));
    assert!(follower.next("\"link\"").contains("unreachable"));
    // At the same address as before.
    let _started = world.anet(&["hub", "restart"]).done();
    assert!(follower.next("\"link\"").contains("connected"));
    kill_process(world.supervisor_pid());
    let _started = world.anet(&["supervisor", "start"]).done();
    let adopted: Value = serde_json::from_str(&follower.next("adopted")).unwrap();
    assert_eq!(adopted["process"]["pid"], world.node_pid("writer"));
    // From the cursor on everything once, also what an earlier supervisor told.
    let missed = events(&world, &["writer", "--since", first["cursor"].as_str().unwrap()]);
    assert_eq!(words(&missed), ["link", "link", "link", "adopted"], "{missed:?}");
    let text = world.anet(&["events", "writer"]).done().stdout;
    for line in
        ["  link  lost: reconnecting", "  link  lost: unreachable", "  link  regained", "  adopted  running, process "]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn what_was_killed_while_nobody_watched_is_not_called_stopped() {
    let world = World::new();
    let _url = world.start_hub();
    let hub = world.hub_pid();
    kill_process(world.supervisor_pid());
    kill_process(hub);
    let _started = world.anet(&["supervisor", "start"]).done();
    wait_until("the hub is back", || {
        let status = world.anet(&["supervisor", "status", "--json"]).done().json();
        (status["hub"]["state"] == "running").then_some(())
    });
    let text = world.anet(&["events", "hub"]).done().stdout;
    assert!(text.contains("  hub  found-dead  end not seen"), "{text}");
    assert!(!text.contains("stopped") && !text.contains("unknown"), "{text}");
}

#[test]
fn a_name_that_nothing_has_and_a_cursor_that_is_none_are_refused() {
    let world = World::new();
    let _started = world.anet(&["supervisor", "start"]).done();
    for arguments in [&["events", "nosuch"][..], &["events", "nosuch", "--follow"]] {
        let run = world.anet(arguments).failed(4);
        assert!(run.stderr.contains("no node is named nosuch") && run.stderr.contains("hint:"), "{run:?}");
    }
    let run = world.anet(&["events", "--since", "xx"]).failed(2);
    assert!(run.stderr.contains("cursor"), "{run:?}");
}

#[test]
fn a_watched_list_is_shown_again_when_something_changes() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let mut list = Follower::new(&world, &["node", "ls", "--watch"]);
    list.next("running");
    let _stopped = world.anet(&["node", "stop", "writer"]).done();
    list.next("stopped");
    let _started = world.anet(&["node", "start", "writer"]).done();
    list.next("running");
}

#[test]
fn what_is_done_is_written_down_with_who_asked_and_read_without_a_supervisor() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let _stopped = world.anet(&["node", "stop", "writer"]).done();
    let _refused = world.anet(&["node", "restart", "nosuch"]).failed(4);
    let _stopped = world.anet(&["supervisor", "stop"]).done();
    let lines = world.anet(&["audit", "--local", "--json"]).done().json();
    let lines = lines["logs"].as_array().unwrap();
    let told: Vec<_> = lines.iter().map(|line| (&line["action"], &line["name"], &line["result"])).collect();
    let expected = [
        (&json!("shutdown"), &Value::Null, &json!("done")),
        (&json!("restart"), &json!("nosuch"), &json!("refused")),
        (&json!("stop"), &json!("writer"), &json!("done")),
        (&json!("start"), &json!("writer"), &json!("done")),
    ];
    assert_eq!(told[..expected.len()], expected, "{lines:?}");
    let me = nix::unistd::geteuid().as_raw();
    assert!(lines.iter().all(|line| line["by"]["uid"] == me && line["by"]["pid"].is_u64()), "{lines:?}");
    assert!(lines[0]["by"]["program"].as_str().unwrap().ends_with("anet"), "{lines:?}");
    let only = world.anet(&["audit", "--local", "--action", "stop"]).done().stdout;
    assert!(only.contains("writer") && !only.contains("restart"), "{only}");
}
