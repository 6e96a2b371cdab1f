//! What is wanted and what was started, on disk, so that any later supervisor can go on.

mod disk;
mod format;
mod history;
mod kept_node;
mod state_text;
mod store;

pub(crate) use disk::{Loaded, load, newest};
pub(crate) use format::{HubRecord, HubSettings, Leader, NodeRecord, ProcessRecord, State};
pub(crate) use history::History;
pub(crate) use kept_node::KeptNode;
pub(crate) use store::{StateError, StateStore};
