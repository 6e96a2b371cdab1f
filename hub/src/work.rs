//! The calls of a node that works. Every answer about a task carries the run and the attempt it belongs to.

pub(crate) mod ack;
pub(crate) mod attempt;
pub(crate) mod claim;
pub(crate) mod fail;
pub(crate) mod register;
pub(crate) mod release;
pub(crate) mod renew;
pub(crate) mod reply;
pub(crate) mod report;
pub(crate) mod sweep;
