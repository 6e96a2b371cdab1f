//! What dies at the worst instant costs nothing: the task ends once, and its agent ran to the end once.

use std::fs;

use anet_tests::{BrokenCalls, CuttingProxy, World, kill_process, process_is_alive, wait_until};

const NOTE: &str = "task=$(cat); echo \"$task\" >>done; echo \"did $task\"";

/// A world with one node, `writer`, whose calls go through a proxy.
fn world_behind_a_proxy() -> (World, CuttingProxy) {
    let world = World::new();
    let proxy = CuttingProxy::start(&world.start_hub());
    let program = world.write_agent("writer", NOTE);
    let _created = world.anet(&["node", "create", "writer", "--hub", &proxy.url, "--", &program]).done();
    let _started = world.anet(&["node", "start", "writer"]).done();
    (world, proxy)
}

#[track_caller]
fn assert_done_once(world: &World, id: &str) {
    let task = world.wait_for_task(id, "replied");
    assert_eq!(task["attempt"], 1, "{task}");
    assert_eq!(fs::read_to_string(world.project.join("done")).unwrap(), "it\n");
    let history = world.history(id);
    assert_eq!(history.iter().filter(|state| *state == "replied").count(), 1, "{history:?}");
    wait_until("the outbox is empty", || {
        let outbox = fs::read_dir(world.node_directory("writer").join("work/outbox")).ok()?;
        (outbox.count() == 0).then_some(())
    });
}

/// Sends a task and kills `victim` at the instant at which its reply is cut off.
#[track_caller]
fn kill_at_the_reply(cut: impl FnOnce(&CuttingProxy) -> BrokenCalls, victim: impl FnOnce(&World) -> u32) {
    let (world, proxy) = world_behind_a_proxy();
    let replies = cut(&proxy);
    let id = world.send("writer", "it");
    let broken = replies.next();
    kill_process(victim(&world));
    proxy.heal();
    drop(broken);
    wait_until("the hub is back", || (world.anet(&["whoami"]).code == 0).then_some(()));
    assert_done_once(&world, &id);
}

#[test]
fn a_hub_killed_between_the_reply_and_its_acknowledgement_has_the_reply_once() {
    kill_at_the_reply(|proxy| proxy.cut_after_answer("/reply HTTP"), World::hub_pid);
}

#[test]
fn a_hub_killed_before_the_reply_gets_it_afterwards() {
    kill_at_the_reply(|proxy| proxy.cut_before("/reply HTTP"), World::hub_pid);
}

#[test]
fn a_node_killed_before_its_reply_delivers_it_in_its_next_life_without_doing_the_task_again() {
    kill_at_the_reply(|proxy| proxy.cut_before("/reply HTTP"), |world| world.node_pid("writer"));
}

#[test]
fn a_node_killed_after_its_reply_does_not_do_the_task_again() {
    kill_at_the_reply(|proxy| proxy.cut_after_answer("/reply HTTP"), |world| world.node_pid("writer"));
}

#[test]
fn a_claim_whose_answer_is_lost_is_repeated_and_the_task_is_done_once() {
    let (world, proxy) = world_behind_a_proxy();
    let claims = proxy.cut_after_answer("/api/node/claim HTTP");
    let id = world.send("writer", "it");
    let broken = claims.next();
    proxy.heal();
    drop(broken);
    let task = world.wait_for_task(&id, "replied");
    assert_eq!(fs::read_to_string(world.project.join("done")).unwrap(), "it\n", "{task}");
}

#[test]
fn a_hub_killed_while_nodes_listen_is_listened_to_again() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", NOTE);
    for round in 0..3 {
        kill_process(world.hub_pid());
        wait_until("the hub is back", || (world.anet(&["whoami"]).code == 0).then_some(()));
        let id = world.send("writer", &format!("round {round}"));
        let _task = world.wait_for_task(&id, "replied");
    }
    assert_eq!(fs::read_to_string(world.project.join("done")).unwrap(), "round 0\nround 1\nround 2\n");
}

#[test]
fn a_hub_killed_during_a_delegation_fails_neither_task() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("helper", "touch begun; until [ -e go ]; do sleep 0.05; done; echo a part");
    world.start_node("asker", "anet send helper \"$(cat)\" --wait");
    let id = world.send("asker", "it");
    wait_until("the helper has begun", || world.project.join("begun").exists().then_some(()));
    kill_process(world.hub_pid());
    wait_until("the hub is back", || (world.anet(&["whoami"]).code == 0).then_some(()));
    fs::write(world.project.join("go"), "").unwrap();
    let task = world.wait_for_task(&id, "replied");
    assert_eq!((&task["result"], &task["attempt"]), (&"a part\n".into(), &1.into()), "{task}");
}

#[test]
fn all_killed_at_once_come_back_and_the_task_is_done_to_the_end_once() {
    let world = World::new();
    let _url = world.start_hub();
    // The first attempt hangs; what it started hears of no parent's death.
    let script = "task=$(cat); echo $$ >>begun; [ -e go ] || setsid -w sleep 1000; echo \"$task\" >>done; echo did";
    world.start_node("writer", script);
    let id = world.send("writer", "it");
    let _task = world.wait_for_task(&id, "running");
    wait_until("the agent has begun", || world.project.join("begun").exists().then_some(()));
    let pids = [world.supervisor_pid(), world.hub_pid(), world.node_pid("writer")];
    for pid in pids {
        kill_process(pid);
    }
    wait_until("all are dead", || (!pids.into_iter().any(process_is_alive)).then_some(()));
    fs::write(world.project.join("go"), "").unwrap();

    let _started = world.anet(&["supervisor", "start"]).done();
    let task = world.wait_for_task(&id, "replied");
    assert_eq!(task["attempt"], 2, "{task}");
    assert_eq!(fs::read_to_string(world.project.join("done")).unwrap(), "it\n");
    assert_eq!(fs::read_to_string(world.project.join("begun")).unwrap().lines().count(), 2);
    let log = fs::read_to_string(world.node_directory("writer").join("logs/node.log")).unwrap();
    assert!(log.contains("registered") && !log.contains("the hub answered 409"), "the dead run was waited for: {log}");
}
