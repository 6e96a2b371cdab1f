//! The hub as the supervisor sees it, and what is asked of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Desired, Exit, HubVariables, ProcessState};
use crate::time::Timestamp;

/// The hub as the supervisor sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HubView {
    /// The one word of `process`.
    pub state: String,
    /// The living process.
    pub pid: Option<u32>,
    /// What is wanted.
    pub desired: Desired,
    /// What was observed.
    pub process: ProcessState,
    /// When the living process last said that it is alive and not stuck.
    #[serde(default)]
    pub proof_of_life: Option<Timestamp>,
    /// Where it listens, once it said so.
    pub url: Option<String>,
    /// Its database.
    pub database: Option<PathBuf>,
    /// Starts since a person last asked for one.
    pub restarts: u32,
    /// Starts since it was first made known; the number of the last one.
    #[serde(default)]
    pub incarnation: u64,
    /// How its last [`KEPT_EXITS`](super::KEPT_EXITS) starts ended, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<Exit>,
}

/// `POST /v1/hub/start`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartHub {
    /// Where to listen; port 0 asks the kernel for a free one.
    pub listen: SocketAddr,
    /// The database file.
    pub database: PathBuf,
    /// The hub's settings.
    #[serde(default, skip_serializing_if = "HubVariables::is_empty")]
    pub variables: HubVariables,
}

/// The outcome for the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HubChanged {
    /// False when it was already so.
    pub changed: bool,
    /// How it is now.
    pub hub: HubView,
}
