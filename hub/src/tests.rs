//! The hub through its real router, on a real database in a temporary directory.

mod accounts;
mod attackers;
mod audit;
mod broadcast;
mod console;
mod events;
mod invites;
pub(crate) mod kit;
mod matrix;
mod migration;
mod model;
mod modes;
mod networks;
mod nodes;
mod openapi;
mod passwords;
mod registration;
mod renames;
mod serving;
mod sessions;
mod tasks;
mod tokens;
mod work;
