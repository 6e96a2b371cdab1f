//! Several nodes at once: one request instead of one for each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ChangeNode, ControlError};

/// The first [`CONTROL_VERSION`](super::CONTROL_VERSION) that knows it.
pub const FLEET_VERSION: u32 = 2;

/// What is asked of several nodes, of all at the same time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeFleet {
    /// Which; all of them are known already.
    pub nodes: Vec<FleetMember>,
    /// As in [`ChangeNode`], of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

impl ChangeFleet {
    /// The same, asked of one of them alone.
    #[must_use]
    pub fn of(&self, member: &FleetMember) -> ChangeNode {
        ChangeNode { project: Some(member.project.clone()), wait_seconds: self.wait_seconds }
    }
}

/// One of several nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetMember {
    /// Its name.
    pub name: String,
    /// Its absolute project directory.
    pub project: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetChanged {
    /// In the order in which they were asked for.
    pub nodes: Vec<MemberChanged>,
}

/// What came of it for one of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberChanged {
    /// Its name.
    pub name: String,
    /// False when it was already so, or was refused.
    pub changed: bool,
    /// Why it was not done; absent when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ControlError>,
}
