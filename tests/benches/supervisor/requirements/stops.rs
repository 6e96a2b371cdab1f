//! R17: a stop leaves no process, whatever session it made for itself.

use std::fs;
use std::time::{Duration, Instant};

use super::Row;
use super::home::{Home, shell};

/// By this argument the helpers are found.
const TOKEN: &str = "86399.8641";
const HELPERS: usize = 4;

pub(super) fn measure(is_long: bool) -> Vec<Row> {
    let runs = if is_long { 1000 } else { 100 };
    let home = Home::new();
    // One of the same group, one of its own session, one that is a daemon, one that cleared its environment too.
    let script = format!(
        "sleep {TOKEN} & setsid sleep {TOKEN} & (setsid sh -c 'sleep {TOKEN} &' &) ; \
         (env -i /usr/bin/setsid /bin/sh -c '/bin/sleep {TOKEN} &' &) ; exec sleep 100000"
    );
    home.run("tree", &shell(&script));
    let mut left = 0;
    for _ in 0..runs {
        home.post("/v1/nodes/tree/start");
        let deadline = Instant::now() + Duration::from_secs(30);
        while living() < HELPERS {
            assert!(Instant::now() < deadline, "the helpers start");
            std::thread::sleep(Duration::from_millis(1));
        }
        home.post("/v1/nodes/tree/stop");
        left += living();
    }
    let measured = format!("{left} processes of {runs} stops with {HELPERS} helpers each");
    vec![Row { requirement: "R17", what: "what lives when a stop is answered", limit: "0", measured }]
}

/// How many helpers live.
fn living() -> usize {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").filter_map(Result::ok);
    let command_lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    command_lines.filter(|line| line.ends_with(format!("sleep\0{TOKEN}\0").as_bytes())).count()
}
