//! Attackers, by what they go for. The numbers are those of the list in hub-limits §3; `controls.toml` beside these files
//! says for each with which fault in the hub its test fails.

mod isolation;
mod log_lines;
mod ranks;
mod stolen_database;
mod streams;
mod tokens;
mod tools;

mod browser;
mod edge;
mod guessing;
mod invites;
mod registration;
mod revocation;
mod wire;
