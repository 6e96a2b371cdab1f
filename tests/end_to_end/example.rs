//! The examples do what they say.

use std::fs;
use std::os::unix::fs::symlink;

use anet_tests::World;

fn source(world: &World) {
    let source = world.project.join("src");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a.txt"), "1\n2\n3\n").unwrap();
    fs::write(source.join("b.txt"), "4\n").unwrap();
    let agents = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/agents");
    symlink(agents, world.project.join("agents")).unwrap();
}

#[test]
fn the_counting_agents_count() {
    let world = World::new();
    let _url = world.start_hub();
    source(&world);
    let _created = world.anet(&["node", "create", "counter", "--", "./agents/count.sh"]).done();
    let _started = world.anet(&["node", "start", "counter"]).done();
    let run = world.anet(&["send", "counter", "count the lines under src", "--wait"]).done();
    assert_eq!(run.stdout, "4 lines in 2 files under src\n");
    let run = world.anet(&["send", "counter", "count the lines under nowhere", "--wait"]).failed(1);
    assert!(run.stderr.contains("there is no directory \"nowhere\""), "{run:?}");
}
