//! The supervisor beside those that people use today, and beside the least that one can do:
//!
//! ```text
//! cargo build --workspace --release --examples && cargo build --workspace --release
//! tests/benches/supervisor/install-rivals DIRECTORY
//! ANET_BENCH_RIVALS=DIRECTORY cargo bench --workspace --bench supervisor [-- ROUNDS [SYSTEM…]]
//! ```
//!
//! Every system keeps the same hundred children. Rounds are interleaved, so that each sees the same noise of the
//! machine; the medians are printed as a table, with the lowest and the highest, then as ratios to the floor and to the
//! best rival of the same run. Rivals that are not installed are named and left out; a step that takes longer than a minute is
//! given up, and said to be not measured, and why. What a rival leaves behind is killed. Then what the requirements want of
//! the supervisor alone is measured and printed beside its limit; the word `requirements` measures nothing else.
//! `ANET_BENCH_LONG` set makes those as long as the requirements say, which takes some twenty minutes more. Nothing here
//! passes or fails.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod distribution;
mod measure;
mod observer;
mod patience;
mod process_group;
mod requirements;
mod systems;
mod table;

use std::path::PathBuf;

/// How many children each system keeps.
const CHILDREN: usize = 100;

const ROUNDS: usize = 3;

fn main() {
    // `cargo bench` passes --bench.
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rounds = words.first().and_then(|word| word.parse().ok());
    if rounds.is_some() {
        words.remove(0);
    }
    #[expect(clippy::disallowed_methods, reason = "a benchmark is configured by its environment")]
    let variable = |name: &str| std::env::var_os(name);
    let is_long = variable("ANET_BENCH_LONG").is_some();
    if words == ["requirements"] {
        return requirements::print(is_long);
    }
    let rivals = variable("ANET_BENCH_RIVALS").map(PathBuf::from);
    let (systems, missing): (Vec<_>, Vec<_>) = systems::all(rivals)
        .into_iter()
        .filter(|system| words.is_empty() || words.iter().any(|word| word == system.name()))
        .partition(|system| system.is_installed());
    for system in missing {
        println!("not installed: {}", system.name());
    }
    let mut results = table::Table::default();
    for round in 1..=rounds.unwrap_or(ROUNDS) {
        for system in &systems {
            let figures = measure::measure(system.as_ref(), CHILDREN);
            println!("round {round}, {}: {figures:?}", system.name());
            for why in &figures.unmeasured {
                println!("not measured: {}, {why}", system.name());
            }
            results.add(system.name(), figures);
        }
    }
    println!("\n{results}");
    if words.is_empty() {
        requirements::print(is_long);
    }
}
