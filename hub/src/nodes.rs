//! Nodes as others see them.

pub(crate) mod delete;
pub(crate) mod find;
pub(crate) mod list;
pub(crate) mod status;
