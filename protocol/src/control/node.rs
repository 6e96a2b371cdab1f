//! A node as the supervisor sees it, and what is asked of it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Desired, Exit, ProcessState, TokenState};
use crate::notification::Link;
use crate::time::Timestamp;

/// A node as the supervisor sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its identity; absent when its configuration cannot be read.
    pub node_id: Option<String>,
    /// Its runtime; absent when its configuration cannot be read.
    pub runtime: Option<String>,
    /// The one word of [`state_word()`](super::state_word()).
    pub state: String,
    /// The living process.
    pub pid: Option<u32>,
    /// The project directory it belongs to.
    pub project: PathBuf,
    /// What is wanted.
    pub desired: Desired,
    /// What was observed.
    pub process: ProcessState,
    /// The link to the hub as the node last told, and when.
    pub link: Option<Observed<Link>>,
    /// Tasks in hand as the node last told, and when.
    pub work: Option<Observed<u32>>,
    /// What is being done about its token, since when; absent when nothing needs to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Observed<TokenState>>,
    /// What was changed of it since it was started, a word each; `anet apply` or a restart applies it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// When the living process last said that it is alive and not stuck.
    #[serde(default)]
    pub proof_of_life: Option<Timestamp>,
    /// Starts since a person last asked for one.
    pub restarts: u32,
    /// Starts since it was first made known; the number of the last one.
    #[serde(default)]
    pub incarnation: u64,
    /// How its last [`KEPT_EXITS`](super::KEPT_EXITS) starts ended, oldest first; empty in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<Exit>,
    /// How the start before the living one ended, or the last one where none lives; absent when none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<Exit>,
    /// The version of the program that the living process runs, which an upgrade of the supervisor leaves alone.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether it says when it is ready. What does not is shown as running once it was executed.
    #[serde(default = "says_so")]
    pub tells_ready: bool,
    /// Why its configuration cannot be used, with line and column.
    pub config_error: Option<String>,
}

/// Nodes do, also where a supervisor of an earlier version does not tell.
const fn says_so() -> bool {
    true
}

/// A fact and when it was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed<T> {
    /// The fact.
    pub value: T,
    /// When.
    pub at: Timestamp,
}

/// Every node the supervisor knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeViews {
    /// By name, then by project.
    pub nodes: Vec<NodeView>,
}

/// Which of several nodes of one name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeTarget {
    /// The absolute project directory. Needed to make a node known, and where a name is ambiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
}

/// The outcome for a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeChanged {
    /// False when it was already so.
    pub changed: bool,
    /// How it is now.
    pub node: NodeView,
}

/// What is asked of a node: which one is meant, and how long the answer may take.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeNode {
    /// As in [`NodeTarget`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// Seconds within which it must be proven done; it goes on after a time-out. Absent: the start's `ready-timeout`, and
    /// as long as a stop takes. A supervisor that does not know the key refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

impl ChangeNode {
    /// Which node is meant.
    #[must_use]
    pub fn target(&self) -> NodeTarget {
        NodeTarget { project: self.project.clone() }
    }

    /// How long the answer may take.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        self.wait_seconds.map(Duration::from_secs)
    }
}
