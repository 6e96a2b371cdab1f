//! Ending what a dead supervisor left running, without starting another one.

use std::io;
use std::path::Path;
use std::time::Duration;

use anet_protocol::time::Timestamp;
use futures_util::future::join_all;
use rustix::process::Signal;

use crate::error::SupervisorError;
use crate::instance_lock::InstanceLock;
use crate::launch::NodeProgram;
use crate::paths::{Paths, ensure_private_directory};
use crate::policy::{Policies, Policy};
use crate::program_policies::ProgramPolicies;
use crate::records::read_state;
use crate::settings_file::Options;
use crate::state_file::{KeptNode, ProcessRecord};
use crate::system::pid_file_descriptor::PidFileDescriptor;
use crate::system::process_entry::boot_id;
use crate::system::process_table::ProcessTable;
use crate::system::tree::Tree;

/// How long killed processes may take to disappear (R18: 2 s).
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// What was ended, and what could not be.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// By name; the hub is `hub`.
    pub stopped: Vec<String>,
    /// A sentence each.
    pub survivors: Vec<String>,
}

/// Ends everything that the dead supervisor of a home has on record: asked first, then killed with its whole tree, nodes
/// before the hub. Only what is proven its own by start time and boot, or by the marks of its start, is touched. What is
/// wanted stays on record, as with any stop of a supervisor.
///
/// # Errors
/// [`SupervisorError::AlreadyRunning`] when a supervisor runs, whose task it is then; otherwise when the state file or the
/// settings cannot be read.
pub async fn end_leftovers(home: &Path, now: Timestamp) -> Result<Ended, SupervisorError> {
    let paths = Paths::new(home);
    let read = || read_state(home, now).map_err(SupervisorError::file("read", &paths.state));
    let state = read()?;
    let has_process = state.nodes.iter().any(|node| node.process.is_some());
    if !has_process && state.hub.is_none_or(|hub| hub.process.is_none()) {
        return Ok(Ended::default());
    }
    ensure_private_directory(&paths.run).map_err(SupervisorError::file("make private", &paths.run))?;
    // Held to the end, so that no supervisor starts again what is being ended.
    let _lock = InstanceLock::acquire(&paths.lock, None)?;
    let state = read()?;
    let policies = Options::load(home, &Policies::default())?.policies;
    let boot = boot_id().map_err(SupervisorError::ProcessTable)?;
    let table = ProcessTable::default();
    let (own, mut ended) = (ProgramPolicies::default(), Ended::default());
    let nodes = state.nodes.into_iter().map(KeptNode::into_record).filter_map(|node| {
        let program = NodeProgram { name: node.name, project: node.project };
        let policy = own.over(policies.of_node(&program.name).clone(), &program);
        Some((program.name, node.process?, policy))
    });
    let hub = state.hub.and_then(|hub| Some(("hub".to_owned(), hub.process?, policies.of_hub().clone())));
    // The hub goes last, so that every node can say goodbye to it.
    for group in [nodes.collect::<Vec<_>>(), hub.into_iter().collect()] {
        let group: Vec<_> = group.into_iter().filter(|(_, record, _)| record.boot_id == boot).collect();
        let outcomes = join_all(group.iter().map(|(_, record, policy)| end(record, policy, &table))).await;
        for ((name, ..), outcome) in group.into_iter().zip(outcomes) {
            match outcome {
                Ok(true) => ended.stopped.push(name),
                Ok(false) => {}
                Err(error) => ended.survivors.push(format!("{name}: {error}")),
            }
        }
    }
    Ok(ended)
}

/// Ends one start; whether anything of it was alive.
async fn end(record: &ProcessRecord, policy: &Policy, table: &ProcessTable) -> io::Result<bool> {
    let leader = match record.leader {
        Some(leader) => PidFileDescriptor::open(leader.pid, leader.start_time)?.map(|process| (leader, process)),
        None => None,
    };
    let found = leader.as_ref().map(|(leader, _)| (leader.pid, leader.start_time));
    let tree = Tree { leader: found, ..record.tree() };
    let was_alive = !tree.members(&table.read().await?.entries).is_empty();
    if let Some((_, process)) = &leader {
        process.signal(Signal::TERM)?;
        // Whatever does not leave in time is killed below.
        if let Ok(exited) = tokio::time::timeout(policy.stop_grace, process.exited()).await {
            exited?;
        }
    }
    tree.kill(table, KILL_TIMEOUT).await.map_err(io::Error::other)?;
    Ok(was_alive)
}
