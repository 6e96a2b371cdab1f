//! The hub through its real router, on a real database in a temporary directory.

mod accounts;
mod attackers;
mod events;
pub(crate) mod kit;
mod model;
mod nodes;
mod openapi;
mod serving;
mod tasks;
mod work;
