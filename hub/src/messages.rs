//! Plain words between names of a network, and the list of everything that was said.

pub(crate) mod broadcast;
pub(crate) mod list;
pub(crate) mod send;
