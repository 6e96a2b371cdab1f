//! The supervisor itself: how it is, and its end.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{HubView, NodeView};
use crate::time::Timestamp;

/// `GET /v1/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupervisorStatus {
    /// [`CONTROL_VERSION`](super::CONTROL_VERSION) of the supervisor.
    pub control_version: u32,
    /// Its program's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Its program file.
    pub executable: PathBuf,
    /// False when the program file was moved, deleted or replaced since the supervisor started.
    pub executable_is_current: bool,
    /// When it started.
    pub since: Timestamp,
    /// Names this life of the supervisor: another after every start and every upgrade.
    #[serde(default)]
    pub instance: String,
    /// The user whose supervisor it is.
    #[serde(default)]
    pub uid: u32,
    /// Its `PATH`, in which programs of nodes are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_path: Option<String>,
    /// The `~/.anet` it serves.
    pub home: PathBuf,
    /// How it keeps hold of what its processes start.
    #[serde(default)]
    pub containment: Containment,
    /// Who else may operate it, and whether they can; absent where nobody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<Operators>,
    /// The hub.
    pub hub: HubView,
    /// The nodes.
    pub nodes: Vec<NodeView>,
}

/// A group whose members may start, stop and restart what a supervisor knows (R55).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// The group's name or number.
    pub group: String,
    /// Where they connect.
    pub socket: PathBuf,
    /// Why they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How a supervisor keeps hold of every process that hub and nodes start, so that a stop reaches all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// Each start has a control group, which nothing can leave.
    Cgroup,
    /// By the start's id in the environment, its mark in the limits, sessions and descent; orphans become the
    /// supervisor's children and are buried by it.
    Subreaper,
    /// As [`Self::Subreaper`], but orphans go to the system's first process.
    #[default]
    Mark,
}

/// `POST /v1/shutdown`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Stop hub and nodes too; otherwise they run on and the next supervisor adopts them.
    pub stop_children: bool,
}

/// The answer to a shutdown request; the socket closes after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShuttingDown {
    /// The process that is about to leave.
    pub pid: u32,
    /// What was stopped, by name; the hub is `hub`.
    pub stopped: Vec<String>,
    /// What runs on.
    pub left_running: Vec<String>,
}
