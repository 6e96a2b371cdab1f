use anet_tests::World;
use serde_json::json;

#[test]
fn a_project_goes_up_down_and_up_again_as_a_whole_and_nothing_runs_twice() {
    let world = World::new();
    let _url = world.start_hub();
    for name in ["reader", "writer"] {
        world.create_node(name, "cat");
    }
    let _kept = world.anet(&["run", "sleeper", "--", "sleep", "1000"]).done();
    let run = world.anet(&["project", "up", "--json"]).done();
    assert_eq!(run.json()["done"], json!(["reader", "sleeper", "writer"]));
    assert!(run.stderr.contains("3/3 up · 0 invalid · 0 failed"), "{run:?}");
    let pid = world.node_pid("writer");
    let _again = world.anet(&["project", "up"]).done();
    assert_eq!(world.node_pid("writer"), pid, "what runs is left as it is");
    let _restarted = world.anet(&["project", "restart", "--only", "writer"]).done();
    assert_ne!(world.node_pid("writer"), pid);
    let reader = world.node_pid("reader");
    let run = world.anet(&["project", "down", "--exclude", "reader"]).done();
    assert!(run.stderr.contains("2/2 down"), "{run:?}");
    assert_eq!((world.node_pid("reader"), &world.node("writer")["state"]), (reader, &json!("stopped")));
    let run = world.anet(&["project", "up", "--only", "writer,nosuch"]).failed(4);
    assert!(run.stderr.contains("no node or program nosuch"), "{run:?}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_and_hinders_no_other() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("broken", "cat");
    world.create_node("writer", "cat");
    std::fs::write(world.node_directory("broken").join("config.json"), "{oops").unwrap();
    let below = world.project.join("below");
    std::fs::create_dir(&below).unwrap();
    let run = world.anet_in(&below, &["project", "up", "--json"]).failed(1);
    assert_eq!((&run.json()["done"], &run.json()["invalid"]), (&json!(["writer"]), &json!(["broken"])));
    assert!(run.stderr.contains("1/1 up · 1 invalid · 0 failed") && run.stderr.contains("config.json"), "{run:?}");
    let nothing = world.anet_in(world.directory(), &["project", "up"]).failed(1);
    assert!(nothing.stderr.contains("has nodes or programs"), "{nothing:?}");
}
