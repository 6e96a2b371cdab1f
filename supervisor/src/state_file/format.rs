//! The content of `state.json`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anet_protocol::control::{Desired, HubVariables};
use anet_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::kept_node::KeptNode;
use crate::launch::fingerprint::Fingerprint;
use crate::system::control_group::ControlGroup;
use crate::system::tree::Tree;

/// The version that this program writes; it reads all older ones.
pub(crate) const VERSION: u32 = 1;

/// Everything that outlives a supervisor.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct State {
    pub(crate) version: u32,
    /// How many changes were made; absent in files of versions that did not count them.
    #[serde(default)]
    pub(crate) sequence: Option<u64>,
    /// The program that the last supervisor ran from.
    pub(crate) executable: PathBuf,
    pub(crate) hub: Option<HubRecord>,
    /// The registry: every node ever made known, with its project.
    pub(crate) nodes: Vec<KeptNode>,
}

impl State {
    pub(crate) fn new(executable: PathBuf) -> Self {
        Self { version: VERSION, sequence: None, executable, hub: None, nodes: Vec::new() }
    }

    pub(crate) fn node_mut(&mut self, name: &str, project: &Path) -> Option<&mut NodeRecord> {
        self.nodes.iter_mut().find(|node| node.name == name && node.project == project).map(KeptNode::change)
    }
}

/// The hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HubRecord {
    pub(crate) settings: HubSettings,
    pub(crate) desired: Desired,
    pub(crate) process: Option<ProcessRecord>,
    /// Absent in files of versions that kept none.
    #[serde(default)]
    pub(crate) history: History,
}

/// Where a hub listens, with the port that the kernel gave, its database and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HubSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) database: PathBuf,
    /// Absent in files of versions that knew none.
    #[serde(default)]
    pub(crate) variables: HubVariables,
    /// Whether the database was there when the hub was last ready; absent in files of versions that did not look.
    #[serde(default)]
    pub(crate) had_database: bool,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeRecord {
    pub(crate) name: String,
    /// Absolute.
    pub(crate) project: PathBuf,
    pub(crate) desired: Desired,
    pub(crate) process: Option<ProcessRecord>,
    /// Absent in files of versions that kept none.
    #[serde(default)]
    pub(crate) history: History,
}

/// One start, recorded before the process exists and kept until it is proven dead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    /// The `ANET_INSTANCE_ID` of the start.
    pub(crate) instance: String,
    /// The boot in which `leader` means something.
    pub(crate) boot_id: String,
    pub(crate) started_at: Timestamp,
    /// Absent between the decision to start and the moment the process was there.
    pub(crate) leader: Option<Leader>,
    /// When it said that it is ready.
    pub(crate) ready_at: Option<Timestamp>,
    /// The version of the program that was started; absent in files of versions that did not keep it.
    #[serde(default)]
    pub(crate) version: Option<String>,
    /// What it was started with; absent in files of versions that did not keep it.
    #[serde(default)]
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Whether it has told of its link to the hub, so that it can be asked for it again.
    #[serde(default)]
    pub(crate) tells_link: bool,
    /// The control group of the start, where it has one.
    #[serde(default)]
    pub(crate) control_group: Option<PathBuf>,
}

impl ProcessRecord {
    /// Every process of the start, as far as the record alone tells.
    pub(crate) fn tree(&self) -> Tree {
        let control_group = self.control_group.clone().and_then(ControlGroup::open);
        Tree { instance: self.instance.clone(), leader: None, control_group }
    }
}

/// The first process of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leader {
    pub(crate) pid: u32,
    /// Clock ticks since boot.
    pub(crate) start_time: u64,
}
