//! The doors: each translates one HTTP call into one operation and its result into JSON.

pub(crate) mod accounts;
mod answer;
pub(crate) mod events;
mod extract;
pub(crate) mod health;
pub(crate) mod messages;
pub(crate) mod nodes;
pub(crate) mod tasks;
pub(crate) mod work;

pub(crate) use answer::{refuse_method, refuse_panic, refuse_path};
pub(crate) use extract::{AuthenticatedCaller, JsonBody, PathPart, PeerAddress, QueryPart};
