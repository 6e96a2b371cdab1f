//! The kit of the end-to-end tests and benchmarks: a private home and project, the real program, real processes.

#![expect(clippy::missing_panics_doc, reason = "a kit for tests fails them by panicking")]

mod condition;
mod cutting_proxy;
mod http;
mod person;
mod processes;
mod world;

pub use condition::wait_until;
pub use cutting_proxy::{Broken, BrokenCalls, CuttingProxy};
pub use http::{call, listen};
pub use person::Person;
pub use processes::{environment_of, kill_process, not_tried, process_is_alive, processes_of};
pub use world::{Run, World, anet_program};
