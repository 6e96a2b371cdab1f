//! The words every part of `anet` speaks: ids, tokens, roles, task states, wire
//! messages, file formats, redaction.
//!
//! Architecture invariant: this crate does no I/O and has no clock and no
//! randomness of its own; both come in through [`Clock`] and [`Entropy`].

pub mod byte_size;
mod capability;
pub mod control;
pub mod env_file;
pub mod event;
pub mod exit_code;
pub mod id;
pub mod node_config;
pub mod notification;
pub mod redaction;
pub mod rest;
pub mod role;
pub mod secret;
pub mod task_state;
pub mod text;
pub mod time;
pub mod token;
pub mod user_name;
pub mod variable_name;
pub mod variables;

pub use capability::{Clock, Entropy};
