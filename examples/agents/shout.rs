//! The smallest agent in Rust: it shouts its task back.
//!
//! `cargo build --workspace --example shout`, then
//! `anet node create shouter -- target/debug/examples/shout`.

use std::io::{self, Read as _, Write as _};

fn main() -> io::Result<()> {
    let mut task = String::new();
    io::stdin().read_to_string(&mut task)?;
    writeln!(io::stdout(), "{}", task.trim().to_uppercase())
}
