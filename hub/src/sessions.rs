//! Logins that still work: of the command line and of browsers.

pub(crate) mod browser;
pub(crate) mod list;
pub(crate) mod refresh;
pub(crate) mod revoke;
pub(crate) mod ticket;
