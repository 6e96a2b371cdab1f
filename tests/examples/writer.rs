//! A child for the benchmark of supervisors: writes so many lines a second to its standard output.

use std::io::Write as _;
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let rate: u32 = std::env::args().nth(1).and_then(|rate| rate.parse().ok()).expect("usage: writer LINES");
    let began = Instant::now();
    for number in 0_u32.. {
        let due = began + Duration::from_secs(1) * number / rate;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let line = format!("line {number} of the log of a program that says what it does, as programs do it\n");
        std::io::stdout().write_all(line.as_bytes())?;
    }
    Ok(())
}
