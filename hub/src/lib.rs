//! The hub: accounts, networks, tasks, messages and events, over REST and SSE.
//!
//! Architecture invariants:
//! - One operation is one function in one file; the doors under `api` only translate.
//! - An operation checks the permission first and does everything in one transaction.
//! - A task's state changes in `tasks/transition.rs` and nowhere else.
//! - SQL stands under `store` and nowhere else.
//! - Nothing is answered before it is on disk.

mod accounts;
mod admin;
mod api;
mod audit;
mod caller;
mod client;
pub mod console;
mod error;
mod events;
mod exposure;
mod hub;
mod invites;
mod limits;
mod messages;
mod networks;
mod nodes;
mod passwords;
mod router;
mod serve;
mod sessions;
mod settings;
mod setup_code;
mod store;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod token_uses;
mod tokens;
mod work;

pub use error::{HubError, Refusal};
pub use hub::Hub;
pub use limits::RateLimits;
pub use router::{openapi, router};
pub use serve::serve;
pub use settings::{Access, Durability, Settings};
pub use store::StoreError;
