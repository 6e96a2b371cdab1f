//! Restarting a node.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ChangeNode;

/// `POST /v1/nodes/{name}/restart`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartNode {
    /// As in [`NodeTarget`](super::NodeTarget).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// As in [`ChangeNode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
    /// Drain it first: it takes no new task, and is restarted when it has none in hand, or goes on as it was when it
    /// still has one after so many seconds, or when whoever asked closes the connection. Without it the restart is at
    /// once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_seconds: Option<u64>,
}

impl RestartNode {
    /// Which node is meant, and how long the answer may take.
    #[must_use]
    pub fn change(&self) -> ChangeNode {
        ChangeNode { project: self.project.clone(), wait_seconds: self.wait_seconds }
    }
}
