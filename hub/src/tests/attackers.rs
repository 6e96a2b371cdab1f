//! Attackers, by what they go for. The numbers are those of the list in hub-limits §3; `controls.toml` beside these files
//! says for each with which fault in the hub its test fails.

mod isolation;
mod ranks;
mod streams;
mod tokens;
mod tools;

mod edge;
mod guessing;
mod registration;
mod wire;
