//! The supervisor from outside: real processes, a real control socket, real `kill -9`.
//! (`cfg(test)` is always set here; clippy wants to see it before it lets tests unwrap.)

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod capture;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod containment;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod declared_port;
#[cfg(test)]
mod disk_full;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod events;
#[cfg(test)]
mod exits;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod kill_matrix;
#[cfg(test)]
mod life;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod lost_records;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod recycled_number;
#[cfg(test)]
mod restart;
#[cfg(test)]
#[path = "../token_repair/scripted_hub.rs"]
#[expect(dead_code, reason = "the tests of repairs use the rest")]
mod scripted_hub;
#[cfg(test)]
mod service_manager;
#[cfg(test)]
mod single_instance;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod stop_tree;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod token_push;
#[cfg(test)]
mod upgrade;
