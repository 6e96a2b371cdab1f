//! The doors: each translates one HTTP call into one operation and its result into JSON.

pub(crate) mod accounts;
pub(crate) mod admin;
mod answer;
pub(crate) mod audit;
mod cookies;
pub(crate) mod edge;
pub(crate) mod events;
mod extract;
pub(crate) mod health;
pub(crate) mod invites;
pub(crate) mod messages;
pub(crate) mod networks;
pub(crate) mod nodes;
pub(crate) mod renames;
pub(crate) mod sessions;
pub(crate) mod tasks;
pub(crate) mod tokens;
pub(crate) mod work;

pub(crate) use answer::{refuse_method, refuse_panic, refuse_path};
pub(crate) use extract::{AuthenticatedCaller, JsonBody, PathPart, PeerAddress, QueryPart};
