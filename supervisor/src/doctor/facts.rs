//! What is known before the checks judge. Everything here is observed without changing anything.

pub(super) mod admin;
pub(super) mod boot;
pub(super) mod certificate;
pub(super) mod hub;
pub(super) mod node;
pub(super) mod program;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use anet_protocol::control::SupervisorStatus;
use anet_protocol::time::Timestamp;
use serde_json::{Map, Value};

use super::own_file::{self, FileProblem, OwnFile};
use super::patient::Patient;
use crate::environment::lookup;
use crate::paths::Paths;
use crate::state_file::{State, newest};
use crate::system::process_entry::{KnownMarks, ProcessEntry, boot_id, read_all};
use admin::AdminFacts;
use boot::BootFacts;
use hub::HubFacts;
use node::NodeFacts;
use program::ProgramFacts;

/// Everything that was observed.
pub(in crate::doctor) struct Facts<'patient> {
    pub(in crate::doctor) patient: &'patient Patient,
    pub(in crate::doctor) paths: Paths,
    pub(in crate::doctor) now: Timestamp,
    /// `~/.anet/config.json`.
    pub(in crate::doctor) global: JsonFile,
    /// The supervisor's state file, read after the process table: a start is recorded before its process exists.
    pub(in crate::doctor) state: StateFile,
    pub(in crate::doctor) processes: io::Result<Vec<ProcessEntry>>,
    pub(in crate::doctor) hub: Option<HubFacts>,
    pub(in crate::doctor) admin: AdminFacts,
    /// Those that are asked about.
    pub(in crate::doctor) nodes: Vec<NodeFacts>,
    pub(in crate::doctor) programs: Vec<ProgramFacts>,
    pub(in crate::doctor) boot: BootFacts,
}

/// A file that should hold one JSON object.
#[derive(Debug)]
pub(in crate::doctor) enum JsonFile {
    Absent,
    Object(Map<String, Value>),
    /// It is not read, or is not JSON; then the problem names line and column.
    Broken(FileProblem),
}

impl JsonFile {
    pub(in crate::doctor) fn read(path: &Path) -> Self {
        let text = match own_file::read(path) {
            OwnFile::Absent => return Self::Absent,
            OwnFile::Refused(problem) => return Self::Broken(problem),
            OwnFile::Text(text) => text,
        };
        let edit = |seen: String| Self::Broken(FileProblem { seen, command: own_file::edit(path) });
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Self::Object(fields),
            Ok(_) => edit("is not one JSON object".to_owned()),
            Err(error) => edit(format!("is not JSON: {error}")),
        }
    }

    /// A text under this key that is not empty.
    pub(in crate::doctor) fn text(&self, key: &str) -> Option<&str> {
        match self {
            Self::Object(fields) => fields.get(key)?.as_str().filter(|text| !text.is_empty()),
            Self::Absent | Self::Broken(_) => None,
        }
    }
}

/// What the supervisor has written down.
#[derive(Debug)]
pub(in crate::doctor) enum StateFile {
    Absent,
    Read(Box<State>),
    Broken(String),
}

impl StateFile {
    fn read(path: &Path) -> Self {
        match own_file::read(path) {
            OwnFile::Absent => Self::Absent,
            OwnFile::Refused(problem) => Self::Broken(problem.seen),
            OwnFile::Text(text) => match serde_json::from_str(&text) {
                Ok(state) => {
                    let state: State = state;
                    // Without a process table nothing is known to run.
                    let newest = boot_id().ok().and_then(|boot_id| newest(path, &boot_id, Some(state.clone())));
                    Self::Read(Box::new(newest.map_or(state, |newest| newest.state)))
                }
                Err(error) => Self::Broken(format!("is not understood: {error}")),
            },
        }
    }

    pub(in crate::doctor) fn state(&self) -> Option<&State> {
        match self {
            Self::Read(state) => Some(state),
            Self::Absent | Self::Broken(_) => None,
        }
    }
}

impl<'patient> Facts<'patient> {
    pub(in crate::doctor) async fn gather(patient: &'patient Patient) -> Self {
        let paths = Paths::new(&patient.home);
        let processes = read_all(&mut KnownMarks::default(), &[]);
        let state = StateFile::read(&paths.state);
        let global = JsonFile::read(&patient.home.join("config.json"));
        let mut nodes = node::find(patient, &state);
        nodes.retain(|node| patient.names.is_empty() || patient.names.contains(&node.name));
        let hub = match &patient.hub {
            Some(url) => Some(HubFacts::ask(url, patient).await),
            None => None,
        };
        node::ask(&mut nodes, patient, hub.as_ref()).await;
        let admin = AdminFacts::ask(patient, hub.as_ref()).await;
        // The supervisor's may be another one than the shell's.
        let search_path = patient.supervisor.status().and_then(|status| status.search_path.clone()).map(OsString::from);
        let search_path = search_path.or_else(|| lookup(&patient.environment, "PATH").map(ToOwned::to_owned));
        let programs = program::look(&nodes, patient, search_path.as_ref()).await;
        let boot = BootFacts::look(patient);
        let now = patient.clock.now();
        Self { patient, paths, now, global, state, processes, hub, admin, nodes, programs, boot }
    }

    pub(in crate::doctor) fn supervisor(&self) -> Option<&SupervisorStatus> {
        self.patient.supervisor.status()
    }

    /// The projects of the nodes that are looked at.
    pub(in crate::doctor) fn projects(&self) -> Vec<PathBuf> {
        let mut projects: Vec<_> = self.nodes.iter().map(|node| node.project.clone()).collect();
        projects.sort_unstable();
        projects.dedup();
        projects
    }
}

/// All nodes that there are, with nothing asked of a hub.
pub(super) fn nodes_of(patient: &Patient) -> Vec<NodeFacts> {
    node::find(patient, &StateFile::read(&Paths::new(&patient.home).state))
}
