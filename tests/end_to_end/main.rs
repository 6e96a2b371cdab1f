//! End-to-end tests: the real program, real processes, real `kill -9`. Modules are named after the user's nouns.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod administrator;
mod audit;
mod demo;
mod doctor;
mod events;
mod example;
mod exit_code;
mod exposure;
mod fault;
mod hub;
mod info;
mod network;
mod node;
mod node_delete;
mod node_secret;
mod node_wait;
mod other_user;
mod output;
mod private_file;
mod program;
mod project;
mod rename;
mod secret;
mod secret_descriptor;
mod service;
mod setting;
mod supervisor;
mod task;
mod token;
mod token_repair;
mod unwatched;
mod upgrade;
