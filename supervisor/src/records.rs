//! What the state file tells where no supervisor runs that would know better.

use std::io;
use std::path::{Path, PathBuf};

use anet_protocol::control::{Desired, Exit};

use crate::paths::Paths;
use crate::state_file::{ProcessRecord, State, newest};
use crate::system::process_entry::{ProcessEntry, boot_id};

/// A hub, node or program as the last supervisor left it on record, and whether it lives on.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its name; the hub is `hub`.
    pub name: String,
    /// Its project; absent for the hub.
    pub project: Option<PathBuf>,
    /// What is wanted of it.
    pub desired: Desired,
    /// Its first process, if that was found alive just now.
    pub pid: Option<u32>,
    /// Starts since it was first made known.
    pub starts: u64,
    /// How its last starts ended, oldest first.
    pub exits: Vec<Exit>,
}

/// Everything that a supervisor of this home has on record.
///
/// # Errors
/// When the state file is there and cannot be read, or the kernel does not name its boot.
pub fn recorded(home: &Path) -> io::Result<Vec<Recorded>> {
    let Some(state) = read_state(home)? else { return Ok(Vec::new()) };
    let boot = boot_id()?;
    let pid = |process: Option<&ProcessRecord>| living(process?, &boot);
    let hub = state.hub.map(|hub| Recorded {
        name: "hub".to_owned(),
        project: None,
        desired: hub.desired,
        pid: pid(hub.process.as_ref()),
        starts: hub.history.starts,
        exits: hub.history.exits,
    });
    let nodes = state.nodes.into_iter().map(|node| Recorded {
        pid: pid(node.process.as_ref()),
        name: node.name,
        project: Some(node.project),
        desired: node.desired,
        starts: node.history.starts,
        exits: node.history.exits,
    });
    Ok(hub.into_iter().chain(nodes).collect())
}

/// The state file of a home; `None` where there is none.
pub(crate) fn read_state(home: &Path) -> io::Result<Option<State>> {
    let path = Paths::new(home).state;
    match std::fs::read(&path) {
        Ok(text) => Ok(Some(newest(&path, &boot_id()?, serde_json::from_slice(&text)?))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn living(process: &ProcessRecord, boot: &str) -> Option<u32> {
    let leader = process.leader.filter(|_| process.boot_id == boot)?;
    let entry = ProcessEntry::read(leader.pid)?;
    (entry.start_time == leader.start_time && !entry.is_dead).then_some(leader.pid)
}
