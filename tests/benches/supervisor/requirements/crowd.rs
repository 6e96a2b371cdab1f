//! R4: looking, while ten of a hundred programs crash again and again.

use super::Row;
use super::home::{Home, names, shell, sleeper};
use crate::distribution::Distribution;
use crate::observer::now;
use crate::patience::succeed;

pub(super) fn measure() -> Vec<Row> {
    let home = Home::new();
    home.run_all(&names(0, 90), &sleeper());
    home.run_all(&names(90, 10), &shell("exit 1"));
    let command = |_| {
        let began = now();
        succeed(&mut home.anet(&["node", "ls"])).expect("the list is shown");
        now() - began
    };
    let commands = Distribution::of((0..100).map(command).collect());
    let calls = Distribution::of((0..1000).map(|_| home.time_of_a_call()).collect());
    vec![
        Row {
            requirement: "R4",
            what: "`anet node ls` while 10 of 100 programs crash",
            limit: "≤ 10 ms",
            measured: commands.to_string(),
        },
        Row {
            requirement: "R4",
            what: "the same as a call of the socket",
            limit: "p99 ≤ 1 ms",
            measured: calls.to_string(),
        },
    ]
}
