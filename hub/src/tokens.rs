//! API keys, and the tokens of a person as a list.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
