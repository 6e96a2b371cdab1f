//! The daemon that keeps one hub and many agent nodes alive.
//!
//! One actor per process (`process`) owns its life: start, readiness, exit, back-off, stop. Whatever
//! a person can ask comes through the control socket (`requests`); what the processes tell comes
//! through the notify socket (`notify_socket`). What is wanted, and which processes were started, is
//! on disk (`state_file`) before anybody is told, so that after any death of the supervisor the next
//! one takes the living processes over and starts none twice.
//!
//! Architecture invariants: no process is signalled but through a pidfd whose start time was
//! compared; nobody but `process` starts or ends one; nothing here prints or reads the environment,
//! both clock and chance come in from outside.

mod audit_log;
mod capture;
mod change_keeper;
mod control_socket;
mod credential_socket;
mod directory_watcher;
pub mod doctor;
pub mod dot_env;
mod environment;
mod error;
mod events;
mod failpoint;
mod held;
pub mod hub_address;
mod inherited;
mod instance_lock;
mod launch;
mod leftovers;
mod line_log;
mod local_socket;
mod login;
mod logs;
mod memory_keeper;
mod notify_socket;
mod operator_socket;
mod paths;
mod policy;
mod port_owner;
pub mod private_file;
mod process;
mod program_policies;
mod records;
mod refusal;
mod registry;
mod reload;
mod requester;
mod requests;
mod rotation;
mod run;
mod secret_descriptor;
mod secret_error;
mod secret_source;
mod service_credential;
mod service_manager;
mod settings;
mod settings_file;
mod state_file;
mod system;
mod token_keeper;
pub mod token_repair;
mod unrecorded;
mod upgrade;

pub use audit_log::read_audit_log;
pub use error::SupervisorError;
pub use failpoint::Failpoint;
pub use launch::node_environment::node_environment;
pub use leftovers::{Ended, end_leftovers};
pub use login::Login;
pub use operator_socket::operators_socket;
pub use policy::{BackoffPolicy, EnvChange, Policies, Policy, RestartPolicy, StopSignal};
pub use records::{Recorded, recorded};
pub use rotation::LogRotation;
pub use run::run;
pub use secret_descriptor::SecretDescriptor;
pub use secret_error::SecretError;
pub use secret_source::{Caller, references};
pub use settings::{Launcher, Settings};
pub use settings_file::{Options, SettingsFileError, SupervisorOptions, settings_file};
pub use system::isolation::detach;
