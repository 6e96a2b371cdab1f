//! R26: how long nobody is answered while the supervisor becomes another program.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Row;
use super::home::{Home, names, sleeper};
use crate::distribution::Distribution;
use crate::patience::succeed;

const UPGRADES: usize = 10;

pub(super) fn measure() -> Vec<Row> {
    let home = Home::new();
    home.run_all(&names(0, 100), &sleeper());
    let pids = || {
        home.get("/v1/nodes")["nodes"]
            .as_array()
            .map(|nodes| nodes.iter().map(|node| node["pid"].clone()).collect::<Vec<_>>())
    };
    let before = pids();
    let mut longest = Vec::new();
    for _ in 0..UPGRADES {
        let is_over = AtomicBool::new(false);
        longest.push(std::thread::scope(|scope| {
            // One client after the other: whoever comes in the middle waits for as long as nobody is answered.
            let asking = scope.spawn(|| {
                let mut calls = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    calls.push(home.time_of_a_call());
                }
                Distribution::of(calls).percentile(100)
            });
            succeed(&mut home.anet(&["supervisor", "upgrade"])).expect("the supervisor is upgraded");
            is_over.store(true, Ordering::SeqCst);
            asking.join().expect("every call is answered")
        }));
    }
    let replaced = if pids() == before { "no child replaced" } else { "CHILDREN WERE REPLACED" };
    let measured = format!("{}, {replaced}", Distribution::of(longest));
    vec![Row {
        requirement: "R26", what: "longest wait for an answer during an upgrade", limit: "≤ 200 ms", measured
    }]
}
