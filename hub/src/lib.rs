//! The hub: accounts, networks, tasks, messages and events, over REST and SSE.
//!
//! Architecture invariants:
//! - One operation is one function in one file; the doors under `api` only translate.
//! - An operation checks the permission first and does everything in one transaction.
//! - A task's state changes in `tasks/transition.rs` and nowhere else.
//! - SQL stands under `store` and nowhere else.
//! - Nothing is answered before it is on disk.

mod accounts;
mod api;
mod caller;
mod error;
mod events;
mod hub;
mod messages;
mod nodes;
mod passwords;
mod router;
mod serve;
mod settings;
mod store;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod work;

pub use error::{HubError, Refusal};
pub use hub::Hub;
pub use router::{openapi, router};
pub use serve::serve;
pub use settings::{Durability, Settings};
pub use store::StoreError;
