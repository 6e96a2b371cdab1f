//! What runs on without a supervisor.

use std::io;
use std::path::Path;

use crate::paths::Paths;
use crate::state_file::{ProcessRecord, newest};
use crate::system::process_entry::{ProcessEntry, boot_id};

/// Name and process id of everything that a supervisor of this home started and that is alive; the hub is `hub`.
/// Only meant for when no supervisor runs, which knows better.
///
/// # Errors
/// When the state file is there and cannot be read, or the kernel's process table cannot.
pub fn survivors(home: &Path) -> io::Result<Vec<(String, u32)>> {
    let path = Paths::new(home).state;
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let boot = boot_id()?;
    let state = newest(&path, &boot, serde_json::from_slice(&text)?);
    let hub = state.hub.and_then(|hub| hub.process).map(|process| ("hub".to_owned(), process));
    let nodes = state.nodes.into_iter().filter_map(|node| Some((node.name, node.process?)));
    Ok(hub.into_iter().chain(nodes).filter_map(|(name, process)| Some((name, living(&process, &boot)?))).collect())
}

fn living(process: &ProcessRecord, boot: &str) -> Option<u32> {
    let leader = process.leader.filter(|_| process.boot_id == boot)?;
    let entry = ProcessEntry::read(leader.pid)?;
    (entry.start_time == leader.start_time && !entry.is_dead).then_some(leader.pid)
}
