//! What people and programs read, word for word. What differs from run to run is replaced.

use anet_tests::World;

/// Replaces ids, times, pids, ports and paths by their names.
fn settings(world: &World) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(&regex_of(world.project.to_str().unwrap()), "[project]");
    settings.add_filter(&regex_of(world.home.to_str().unwrap()), "[home]");
    for (pattern, name) in [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
        (r"\bnet_[0-9a-f]{12}", "[network]"),
        (r"\bu_[0-9a-f]{12}", "[user]"),
        (r"\btok_[0-9a-f]{12}", "[token id]"),
        (r"\bn_[0-9a-f]{8}\b", "[node id]"),
        (r"\bi_[0-9a-f]{16}", "[instance]"),
        (r"anet-[a-z2-9]{24}", "[password]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
        (r"127\.0\.0\.1:\d+", "[address]"),
        (r"\(uid \d+\)", "(uid [uid])"),
        (r"pid \d+", "pid [pid]"),
        (r#""pid": \d+"#, r#""pid": "[pid]""#),
        (r#""(uptime|last_seen_at|hostname)": [^,\n]+"#, r#""$1": "[varies]""#),
        (r"up \d+ s", "up [n] s"),
        (r"(?m)^(Up:) +\d+ s", "$1 [n] s"),
        (r"\b[1-9]\d{1,6}(  +)(connected)", "[pid]$1$2"),
        // Columns are as wide as what was replaced.
        (r"(\S) {2,}", "$1  "),
        (r#""pushed_at": [^,]+"#, r#""pushed_at": "[varies]""#),
    ] {
        settings.add_filter(pattern, name);
    }
    settings
}

fn regex_of(text: &str) -> String {
    text.replace('.', r"\.")
}

#[test]
fn a_first_session_reads_like_this() {
    let world = World::new();
    let _agent = world.write_agent("writer", "tr a-z A-Z");
    let mut session = Vec::new();
    let mut typed = |arguments: &[&str]| {
        let run = world.anet(arguments);
        let typed = arguments.join(" ");
        session.push(format!("$ anet {typed}\n{}{}[exit {}]\n", run.stderr, run.stdout, run.code));
    };
    typed(&["hub", "start", "--port", "0"]);
    typed(&["whoami"]);
    typed(&["node", "create", "writer", "--", "./writer.sh"]);
    typed(&["node", "ls"]);
    typed(&["send", "writer", "early", "--idempotency-key", "1"]);
    typed(&["node", "start", "writer"]);
    typed(&["send", "writer", "hello", "--wait"]);
    typed(&["send", "writer", "early", "--idempotency-key", "1", "--wait"]);
    typed(&["node", "ls"]);
    typed(&["status"]);
    typed(&["hub", "status"]);
    typed(&["supervisor", "status"]);
    typed(&["send", "wirter", "hello"]);
    typed(&["task", "00000000-0000-4000-8000-000000000000"]);
    typed(&["node", "stop", "writer"]);
    typed(&["node", "stop", "writer"]);
    typed(&["node", "delete", "writer"]);
    typed(&["hub", "stop"]);
    typed(&["whoami"]);
    typed(&["supervisor", "stop"]);
    typed(&["supervisor", "status"]);
    settings(&world).bind(|| insta::assert_snapshot!("first-session", session.join("\n")));
}

#[test]
fn programs_read_documents_like_these() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "tr a-z A-Z");
    let _answer = world.anet(&["send", "writer", "hello", "--wait"]).done();
    let mut documents = Vec::new();
    for arguments in [["whoami", ""], ["node", "ls"], ["tasks", ""], ["hub", "status"]] {
        let arguments: Vec<_> = arguments.into_iter().filter(|word| !word.is_empty()).chain(["--json"]).collect();
        let run = world.anet(&arguments).done();
        documents.push(format!("$ anet {}\n{}", arguments.join(" "), run.stdout));
    }
    settings(&world).bind(|| insta::assert_snapshot!("documents", documents.join("\n")));
}
