//! End-to-end tests: the real program, real processes, real `kill -9`. Modules are named after the user's nouns.

mod account;
mod demo;
mod example;
mod fault;
mod hub;
mod node;
mod output;
mod task;
