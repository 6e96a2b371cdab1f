//! End-to-end tests: the real program, real processes, real `kill -9`. Modules are named after the user's nouns.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod demo;
mod example;
mod fault;
mod hub;
mod node;
mod output;
mod secret;
mod supervisor;
mod task;
