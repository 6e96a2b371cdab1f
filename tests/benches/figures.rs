//! The figures of the README: `cargo build --workspace --release && cargo bench --workspace --bench figures`.
//!
//! Each figure stands beside the limit it is to be compared with, measured in the same run on the
//! same disk, because the speed of a shared machine drifts. Nothing here passes or fails.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "figures/identity.rs"]
mod identity;
#[path = "figures/throughput.rs"]
mod throughput;

use std::fs;
use std::time::{Duration, Instant};

use anet_tests::{World, kill_process, wait_until};

/// How often each figure is taken; the median is printed, with the lowest and the highest.
const ROUNDS: usize = 7;

fn main() {
    // `cargo bench` passes --bench; anything else asks for one of the figures by name.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    if wants("start") {
        start();
    }
    if wants("throughput") {
        throughput::measure();
    }
    if wants("identity") {
        identity::measure();
    }
}

/// Start, replacement, listing and memory, on a world with one node.
fn start() {
    let world = World::new();
    let _url = world.start_hub();
    world.start_node("writer", "cat");

    let mut starts = Vec::new();
    let mut listings = Vec::new();
    let mut replacements = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        let _stopped = world.anet(&["node", "stop", "writer"]).done();
        starts.push(time(|| drop(world.anet(&["node", "start", "writer"]).done())));
        listings.push(time(|| drop(world.anet(&["node", "ls"]).done())));
        bare.push(time(|| drop(world.anet(&["--version"]).done())));
        let pid = world.node_pid("writer");
        replacements.push(time(|| {
            kill_process(pid);
            wait_until("the replacement is ready", || {
                let node = world.node("writer");
                (node["state"] == "running" && node["pid"] != pid).then_some(())
            });
        }));
    }
    let floor = median(&mut bare);
    report("`anet --version`: what any command costs (the floor)", &mut bare, floor);
    report("`anet node start` until ready and seen by the hub", &mut starts, floor);
    report("kill -9 of a node until its replacement is ready", &mut replacements, floor);
    report("`anet node ls`", &mut listings, floor);
    for (name, pid) in
        [("supervisor", world.supervisor_pid()), ("hub", world.hub_pid()), ("idle node", world.node_pid("writer"))]
    {
        println!("resident memory of the {name}: {:.1} MB", megabytes(pid));
    }
}

fn time(action: impl FnOnce()) -> Duration {
    let began = Instant::now();
    action();
    began.elapsed()
}

fn median(values: &mut [Duration]) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

fn report(what: &str, values: &mut [Duration], floor: Duration) {
    let middle = median(values);
    let milliseconds = |value: Duration| value.as_secs_f64() * 1000.0;
    let (lowest, highest) = (milliseconds(values[0]), milliseconds(values[values.len() - 1]));
    let ratio = middle.as_secs_f64() / floor.as_secs_f64();
    println!("{what}: {:.1} ms [{lowest:.1}..{highest:.1}], x{ratio:.1} of the floor", milliseconds(middle));
}

/// `VmRSS` of a process.
fn megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells VmRSS");
    let kilobytes: f64 = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number");
    kilobytes / 1024.0
}
