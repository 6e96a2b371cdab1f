//! The repair of a node's token against a real hub: every step cut off, a hundred at once, and what no repair may mend.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod refusal;
mod rotation;
mod step;
