//! What the hub's administrators do.

pub(crate) mod generated;
pub(crate) mod reads;
pub(crate) mod registration;
pub(crate) mod reset;
pub(crate) mod role;
pub(crate) mod unlock;
pub(crate) mod users;
