//! What the doctor is told by the program around it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anet_protocol::Clock;
use anet_protocol::control::{Plan, Reference, SupervisorStatus};
use secrecy::SecretString;

use crate::secret_error::SecretError;

/// The machine, the home and the project that are looked at.
pub struct Patient {
    /// `~/.anet`; absolute.
    pub home: PathBuf,
    /// The user's home directory, where vendors' programs keep their logins.
    pub user_home: Option<PathBuf>,
    /// The directory in which the command was typed; absolute.
    pub directory: PathBuf,
    /// The hub's database.
    pub database: PathBuf,
    /// The environment of the command.
    pub environment: Vec<(OsString, OsString)>,
    /// The version of this program.
    pub version: String,
    /// The hub that commands talk to; absent when nothing readable names one.
    pub hub: Option<String>,
    /// The login with which they do; absent when there is none for this hub.
    pub token: Option<SecretString>,
    /// Why there is no login.
    pub token_problem: Option<String>,
    /// The nodes that are asked about; empty means all.
    pub names: Vec<String>,
    /// What the supervisor says.
    pub supervisor: SupervisorSight,
    /// Where the supervisor finds the values of the references of nodes, for those of [`referring_nodes`](super::referring_nodes).
    pub references: Vec<ReferenceSight>,
    /// What the supervisor would restart to bring what runs up to date; absent where it does not say.
    pub plan: Option<Plan>,
    /// What the hub's own code says of the database.
    pub store: StoreSight,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Patient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment may hold secrets.
        formatter.debug_struct("Patient").field("home", &self.home).finish_non_exhaustive()
    }
}

/// Where the values of a node's references stand for the supervisor, whose environment nobody else can read.
#[derive(Clone, Debug)]
pub struct ReferenceSight {
    /// The node.
    pub name: String,
    /// Its project.
    pub project: PathBuf,
    /// What the supervisor said; otherwise why it cannot use a source.
    pub answer: Result<Vec<Reference>, SecretError>,
}

/// The supervisor, seen through its socket.
#[derive(Clone, Debug)]
pub enum SupervisorSight {
    /// Nobody answers.
    NotRunning,
    /// It answers, and is not understood; the text says why.
    Strange(String),
    /// It answers.
    Running(Box<SupervisorStatus>),
}

impl SupervisorSight {
    /// What it said.
    #[must_use]
    pub fn status(&self) -> Option<&SupervisorStatus> {
        match self {
            Self::Running(status) => Some(status),
            Self::NotRunning | Self::Strange(_) => None,
        }
    }
}

/// The hub's database, looked at read-only by the code that writes it.
#[derive(Clone, Debug)]
pub enum StoreSight {
    /// There is none: this is not the hub's host.
    Absent,
    /// It cannot be read; the text says why.
    Unreadable(String),
    /// It is so large that it was not gone through in this many seconds.
    Unfinished(u64),
    /// It was read.
    Read {
        /// What SQLite finds wrong with it, first things first.
        damages: Vec<String>,
        /// How many lines the audit log has, and what is wrong with its chain; or why it was not read.
        audit: Result<(u64, Option<String>), String>,
    },
}
