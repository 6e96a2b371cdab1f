//! How fast text is searched for secrets, beside the limit: searching the same text for one byte.
//!
//! `cargo bench -p anet-protocol --bench redaction`
#![expect(clippy::print_stdout, reason = "a program of its own that prints a table")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anet_protocol::redaction::{RedactingLines, Redactor};
use secrecy::SecretString;

const MEGABYTE: f64 = 1_000_000.0;
const ROUNDS: usize = 15;

fn main() {
    let secrets = (0..12).map(|number| SecretString::from(format!("secret-value-number-{number}-of-this-node")));
    let redactor = Arc::new(Redactor::new(secrets));
    println!("{:<34} {:>9} {:>14} {:>8}", "text", "MB/s", "limit MB/s", "ratio");
    for (name, line) in [
        (
            "log lines",
            "2026-11-24T08:42:30.123456Z  INFO anet_agent_node::link: connected to the hub node=writer attempt=3",
        ),
        (
            "prose",
            "The quick brown fox jumps over the lazy dog, and the dog - being lazy - does not mind: it sleeps on.",
        ),
        (
            "JSON",
            r#"{"at":"2026-11-24T08:42:30Z","level":"info","tokens_used":4096,"message":"step 3 of 7","id":"task-0192f3a4"}"#,
        ),
        ("spew", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
        (
            "a secret in each line",
            "using key secret-value-number-7-of-this-node and OPENAI_API_KEY=sk-ant-0123456789abcdef to connect",
        ),
    ] {
        let text = format!("{line}\n").repeat(8_000_000 / line.len());
        let limit = speed(&text, |text| {
            black_box(memchr::memchr_iter(b'\n', text.as_bytes()).count());
        });
        let reached = speed(&text, |text| {
            let mut lines = RedactingLines::new(Arc::clone(&redactor));
            for chunk in text.as_bytes().chunks(256 * 1024) {
                black_box(lines.push(chunk));
            }
        });
        println!("{name:<34} {reached:>9.0} {limit:>14.0} {:>8.3}", reached / limit);
    }
}

/// The best of several rounds, in megabytes per second.
fn speed(text: &str, work: impl Fn(&str)) -> f64 {
    let round = || {
        let start = Instant::now();
        work(text);
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let megabytes = text.len() as f64 / MEGABYTE;
        megabytes / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| round()).fold(0.0, f64::max)
}
