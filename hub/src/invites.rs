//! Invites: to a network, and to the hub.

pub(crate) mod create;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod redeem;
pub(crate) mod revoke;
