use anet_tests::{World, kill_process, wait_until};
use serde_json::{Value, json};

fn info(world: &World, name: &str) -> Value {
    world.anet(&["info", name, "--json"]).done().json()
}

#[test]
fn all_that_is_known_of_a_node_is_shown_and_no_secret() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("counter", "wc -w");
    let id = world.send("counter", "one two three");
    let _task = world.wait_for_task(&id, "replied");
    let shown = info(&world, "counter");
    assert_eq!((&shown["node"]["state"], &shown["node"]["desired"]), (&json!("running"), &json!("running")));
    assert_eq!(shown["tasks"][0]["task_id"], json!(id));
    let text = world.anet(&["info", "counter"]).done().stdout;
    for word in ["Node:", "State:", "running", "Link:", "connected", "Process:", "./counter.sh", &id] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let token = std::fs::read_to_string(world.node_directory("counter").join("config.json")).unwrap();
    let token: Value = serde_json::from_str(&token).unwrap();
    assert!(!text.contains(token["token"].as_str().unwrap()));
    let nobody = world.anet(&["info", "nosuch"]).failed(4);
    assert!(nobody.stderr.contains("no node is named nosuch") && nobody.stderr.contains("hint:"), "{nobody:?}");
}

#[test]
fn a_program_is_shown_without_the_hub_that_it_does_not_use() {
    let world = World::new();
    let _kept = world.anet(&["run", "sleeper", "--", "sleep", "1000"]).done();
    let text = world.anet(&["info", "sleeper"]).done().stdout;
    assert!(text.contains("sleep 1000") && text.contains("State:    up"), "{text}");
    assert!(!text.contains("Hub:") && !text.contains("anet init"), "{text}");
    let list = world.anet(&["node", "ls"]).done().stdout;
    assert!(list.lines().any(|line| line.contains("sleeper") && line.contains(" up ")), "{list}");
}

#[test]
fn the_hub_is_shown_and_its_log_read_by_the_name_that_events_give_it() {
    let world = World::new();
    let url = world.start_hub();
    let hub = info(&world, "hub");
    assert_eq!((&hub["state"], &hub["url"]), (&json!("running"), &json!(url)));
    assert!(world.anet(&["info", "hub"]).done().stdout.contains("Database:"));
    let log = world.anet(&["logs", "hub"]).done();
    assert_eq!(log.stdout, world.anet(&["hub", "logs"]).done().stdout);
    assert!(!log.stdout.trim().is_empty());
    let pattern = world.anet(&["logs", "hub", "--grep", "("]).failed(2);
    assert!(pattern.stderr.contains("the pattern is none"), "{pattern:?}");
}

#[test]
fn a_restart_for_an_edit_is_of_that_node_alone_and_counted_and_a_persons_start_begins_anew() {
    let world = World::new();
    let _url = world.start_hub();
    let siblings = ["counter", "reader"];
    for name in siblings {
        world.start_node(name, "cat");
    }
    world.start_node("writer", "cat");
    let pids = siblings.map(|name| world.node_pid(name));
    let pid = world.node_pid("writer");
    let set = world.anet_typing("a value\n", &["node", "env", "set", "writer", "COLOUR"]);
    assert_eq!(set.code, 0, "{set:?}");
    wait_until("the node runs with the edit", || {
        let node = world.node("writer");
        (node["state"] == "running" && node["pid"] != pid).then_some(())
    });
    assert_eq!(info(&world, "writer")["node"]["restarts"], 1);
    assert_eq!(siblings.map(|name| world.node_pid(name)), pids, "no sibling is touched");
    let _again = world.anet(&["node", "restart", "writer"]).done();
    assert_eq!(info(&world, "writer")["node"]["restarts"], 0);
}

#[test]
fn a_node_that_a_new_supervisor_took_over_says_what_its_link_is() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");
    let pid = world.node_pid("writer");
    kill_process(world.supervisor_pid());
    let _started = world.anet(&["supervisor", "start"]).done();
    let node = wait_until("the link is known", || {
        let node = world.node("writer");
        node["link"].is_object().then_some(node)
    });
    assert_eq!((&node["link"]["value"], &node["pid"]), (&json!("connected"), &json!(pid)));
}
