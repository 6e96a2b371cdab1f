//! Attackers, by what they go for. The numbers are those of the list in hub-limits §3; `attackers/controls.toml` says for
//! each with which fault in the hub its test fails.

mod audit;
mod browser;
mod edge;
mod exhaustion;
mod guessing;
mod invites;
mod isolation;
mod lists;
mod log_lines;
mod names;
mod races;
mod ranks;
mod registration;
mod revocation;
mod stolen_database;
mod streams;
mod tokens;
mod tools;
mod wire;
