//! Networks and who belongs to them.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod find;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod rename;
pub(crate) mod show;
pub(crate) mod transfer;
