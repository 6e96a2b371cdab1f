//! R6: memory for each further program.

use std::time::Duration;

use super::Row;
use super::home::{Home, names, sleeper};

const FIRST: usize = 100;

pub(super) fn measure(is_long: bool) -> Vec<Row> {
    let all = if is_long { 2000 } else { 500 };
    let home = Home::new();
    let resident = || {
        std::thread::sleep(Duration::from_secs(3));
        home.group().memory().0
    };
    home.run_all(&names(0, FIRST), &sleeper());
    let first = resident();
    home.run_all(&names(FIRST, all - FIRST), &sleeper());
    let last = resident();
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let each = (last - first) * 1024.0 / (all - FIRST) as f64;
    let measured = format!("{each:.1} KB from {FIRST} to {all} ({first:.1} to {last:.1} MB)");
    vec![Row { requirement: "R6", what: "RSS of a further program", limit: "≤ 30 KB", measured }]
}
