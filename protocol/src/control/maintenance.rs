//! Changes of the supervisor itself: its settings and its program.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The answer to `POST /v1/reload`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reloaded {
    /// False when the file says what was in force already.
    pub changed: bool,
    /// The settings file.
    pub file: PathBuf,
    /// What of it has no effect, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// `GET /v1/plan`: what `anet apply` would do. Nothing else is touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whether the settings file says something else than what is in force.
    pub settings_changed: bool,
    /// What runs with another configuration than it would be started with now.
    pub restarts: Vec<PlannedRestart>,
    /// How many nodes are as they would be started now, or do not run.
    pub unchanged: usize,
    /// What runs on because its files cannot be used, a sentence each.
    pub unusable: Vec<String>,
    /// Names with a section of their own in the settings file that no known node or program has.
    #[serde(default)]
    pub unknown_names: Vec<String>,
}

/// One restart of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRestart {
    /// The node, or `hub`.
    pub name: String,
    /// The project of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// What changed: `program`, `environment`, `configuration`, `limits`.
    pub reasons: Vec<String>,
}

/// `POST /v1/upgrade`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// The program file to become; absent, the one that the supervisor was started from, as it is now.
    #[serde(default)]
    pub executable: Option<PathBuf>,
}

/// The answer to an upgrade that is about to happen. It is done when `GET /v1/status` tells a later
/// `since`; the process id stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upgrading {
    /// The process, before and after.
    pub pid: u32,
    /// The version that runs.
    pub from: String,
    /// The version that will.
    pub to: String,
    /// The program file.
    pub executable: PathBuf,
}

/// What a program file says about itself when a supervisor asks whether it may become it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramVersion {
    /// The version for people.
    pub version: String,
    /// [`super::CONTROL_VERSION`].
    pub control_version: u32,
}
