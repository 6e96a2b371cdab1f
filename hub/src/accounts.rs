//! People and their tokens.

pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod node_token;
pub(crate) mod register;
