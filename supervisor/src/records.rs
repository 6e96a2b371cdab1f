//! What the state file tells where no supervisor runs that would know better.

use std::io;
use std::path::{Path, PathBuf};

use anet_protocol::control::{Desired, Exit};
use anet_protocol::time::Timestamp;

use crate::paths::Paths;
use crate::state_file::{KeptNode, Loaded, ProcessRecord, State, newest};
use crate::system::process_entry::{ProcessEntry, boot_id};
use crate::unrecorded::add_unrecorded;

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

/// Everything that a supervisor of this home has on record, and what runs without being on record because a file was lost.
///
/// # Errors
/// When the state file is there and cannot be read, or the kernel does not name its boot.
pub fn recorded(home: &Path, now: Timestamp) -> io::Result<Vec<Recorded>> {
    let state = read_state(home, now)?;
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
    let nodes = state.nodes.into_iter().map(KeptNode::into_record).map(|node| Recorded {
        pid: pid(node.process.as_ref()),
        name: node.name,
        project: Some(node.project),
        desired: node.desired,
        starts: node.history.starts,
        exits: node.history.exits,
    });
    Ok(hub.into_iter().chain(nodes).collect())
}

/// What the state files of a home tell, and what else runs where they do not tell all. Nothing is changed.
///
/// # Errors
/// When a file is there and cannot be read, or the process table cannot.
pub(crate) fn read_state(home: &Path, now: Timestamp) -> io::Result<State> {
    let paths = Paths::new(home);
    let boot = boot_id()?;
    let durable = match std::fs::read(&paths.state) {
        // One that is not understood tells nothing; the next supervisor sets it aside.
        Ok(text) => serde_json::from_slice(&text).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let nothing = || Loaded { state: State::new(PathBuf::new()), is_complete: false };
    let Loaded { mut state, is_complete } = newest(&paths.state, &boot, durable).unwrap_or_else(nothing);
    if !is_complete {
        add_unrecorded(&mut state, &paths, &boot, now)?;
    }
    Ok(state)
}

/// The process id of a recorded start whose first process lives.
pub(crate) fn living(process: &ProcessRecord, boot: &str) -> Option<u32> {
    let leader = process.leader.filter(|_| process.boot_id == boot)?;
    let entry = ProcessEntry::read_stat(leader.pid)?;
    (entry.start_time == leader.start_time && !entry.is_dead).then_some(leader.pid)
}
