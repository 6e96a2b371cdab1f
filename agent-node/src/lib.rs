//! One worker of an agent network: it takes the tasks of one alias from the hub and has an
//! agent runtime do them.
//!
//! Architecture invariant: a task is on this machine's disk before it is acknowledged, and its
//! result is on disk before it is sent. Whatever moment the process is killed at, the next run
//! either delivers the result or leaves the task to the hub, never both and never neither.
//!
//! A part per file: `link` keeps the event stream, `inbox` claims, `attempt` carries one task
//! from claim to answer, `renewal` keeps leases, `outbox` delivers, `heartbeat` reports,
//! `pause` stops claiming for a while, `task_socket` lets an agent delegate, `process_tree` leaves no process behind.

mod attempt;
mod attempts;
mod backoff;
mod directory_lock;
mod drain;
mod durable_file;
mod heartbeat;
mod hub_client;
mod inbox;
mod journal;
mod link;
mod node;
mod notifier;
mod outbox;
mod pause;
mod preflight;
mod process_tree;
mod program;
mod renewal;
mod runtime;
mod settings;
mod spawn;
mod task_socket;

#[cfg(test)]
mod behaviour;

pub use node::{Requests, run};
pub use pause::ClaimRequest;
pub use settings::{Command, Settings, Timing};
