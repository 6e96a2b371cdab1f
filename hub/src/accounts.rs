//! People: how they come in and what they change of themselves.

pub(crate) mod guessing;
pub(crate) mod issue;
pub(crate) mod legacy;
pub(crate) mod local;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod name;
pub(crate) mod node_token;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod recovery;
pub(crate) mod register;
pub(crate) mod status;
