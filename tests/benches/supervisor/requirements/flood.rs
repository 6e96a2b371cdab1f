//! R64: a program that writes a gigabyte as fast as it can.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Row;
use super::home::{Home, names, shell, sleeper};
use crate::distribution::Distribution;
use crate::observer::now;

/// Bytes.
const WRITTEN: u64 = 1_000_000_000;
/// The last line is not whole.
const LONGEST_LINE: u64 = 100;
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn measure() -> Vec<Row> {
    let home = Home::new();
    home.run_all(&names(0, 20), &sleeper());
    std::thread::sleep(Duration::from_secs(2));
    let restart = || {
        let began = now();
        home.post("/v1/nodes/n0000/restart");
        now() - began
    };
    let calm = Distribution::of((0..200).map(|_| home.time_of_a_call()).collect());
    let calm_restarts = Distribution::of((0..20).map(|_| restart()).collect());
    let before = home.group().memory().0;
    // The next start sleeps: one that ends is started again.
    let script = format!(
        "[ -e flooded ] || {{ yes 'a line of output as programs write it' | head -c {WRITTEN}; touch flooded; }}; \
         exec sleep 100000"
    );
    home.run("flood", &shell(&script));
    let (mut calls, mut restarts, mut most) = (Vec::new(), Vec::new(), before);
    let began = Instant::now();
    while !is_kept(&home) && began.elapsed() < PATIENCE {
        calls.push(home.time_of_a_call());
        most = most.max(home.group().memory().0);
        if calls.len().is_multiple_of(10) {
            restarts.push(restart());
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let log = log(&home);
    let dropped = log.lines().rfind(|line| line.contains("dropped")).unwrap_or("no marker").to_owned();
    let marker = dropped.splitn(4, ' ').last().unwrap_or_default().to_owned();
    let (calls, restarts) = (Distribution::of(calls), Distribution::of(restarts));
    vec![
        Row {
            requirement: "R64",
            what: "extra RSS while a program writes 1 GB",
            limit: "≤ 8 MB",
            measured: format!("{:.1} MB in {seconds:.1} s; in the log: {marker}", most - before),
        },
        Row {
            requirement: "R64",
            what: "the same, a call of the socket",
            limit: "≤ 20 ms more",
            measured: format!("{calls}; without: {calm}"),
        },
        Row {
            requirement: "R64",
            what: "the same, a restart of another program",
            limit: "≤ 20 ms more",
            measured: format!("{restarts}; without: {calm_restarts}"),
        },
    ]
}

/// Whether everything was written and read.
fn is_kept(home: &Home) -> bool {
    let unread = home.path().join(".anet/programs/flood/logs/unread");
    let position = std::fs::read_to_string(unread.join("position")).unwrap_or_default();
    let position: Value = serde_json::from_str(position.trim_end()).unwrap_or_default();
    let offsets = position["streams"].as_object().into_iter().flatten().filter_map(|(_, file)| file["offset"].as_u64());
    home.path().join("flooded").exists() && offsets.sum::<u64>() > WRITTEN - LONGEST_LINE
}

/// What is in the log, compressed or not.
fn log(home: &Home) -> String {
    let logs = home.path().join(".anet/programs/flood/logs");
    let files = std::fs::read_dir(logs).expect("there is a log").filter_map(Result::ok).map(|entry| entry.path());
    let output = Command::new("zcat").arg("-f").args(files.filter(|path| path.is_file())).output();
    String::from_utf8_lossy(&output.expect("gzip is installed").stdout).into_owned()
}
