//! Tasks as senders see them.

pub(crate) mod cancel;
pub(crate) mod doorbell;
pub(crate) mod events;
pub(crate) mod find;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod send;
pub(crate) mod transition;
