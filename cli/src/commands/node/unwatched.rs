//! Nodes that no supervisor tells of: by what the last one left on record, and by their files.

use std::path::PathBuf;

use anet_protocol::Clock as _;
use anet_protocol::control::{Desired, NodeView, ProcessState};
use anet_protocol::node_config::NodeConfig;
use anet_supervisor::Recorded;
use anyhow::Context as _;

use super::start::PROGRAM;
use crate::context::Context;
use crate::environment::{node_directory, program_directory};
use crate::failure::Failure;
use crate::node_files;
use crate::system::SystemClock;

/// What the last supervisor has on record: `unknown` with its process where that lives on, else `stopped`.
///
/// # Errors
/// When the record cannot be read.
pub(super) fn on_record(context: &Context) -> Result<Vec<NodeView>, Failure> {
    Ok(recorded(context)?.into_iter().filter_map(view).collect())
}

/// Whether the hub that the last supervisor started lives on.
///
/// # Errors
/// When the record cannot be read.
pub(super) fn hub_lives(context: &Context) -> Result<bool, Failure> {
    Ok(recorded(context)?.iter().any(|one| one.project.is_none() && one.pid.is_some()))
}

fn recorded(context: &Context) -> Result<Vec<Recorded>, Failure> {
    let home = &context.environment.home;
    Ok(anet_supervisor::recorded(home, SystemClock.now())
        .with_context(|| format!("cannot read what is on record in {}", home.display()))?)
}

fn view(recorded: Recorded) -> Option<NodeView> {
    let last_exit = recorded.exits.last().cloned();
    let view = by_its_files(recorded.project?, recorded.name);
    let process = match recorded.pid {
        Some(_) => ProcessState::Unknown,
        None => ProcessState::Stopped { since: SystemClock.now(), last_exit },
    };
    Some(NodeView {
        state: process.word().to_owned(),
        process,
        pid: recorded.pid,
        desired: recorded.desired,
        incarnation: recorded.starts,
        last_exit: recorded.exits.last().cloned(),
        exits: recorded.exits,
        ..view
    })
}

/// Adds nodes that were created here and never started, which no supervisor knows yet.
///
/// # Errors
/// When their directory cannot be read.
pub(super) fn add_nodes_of_this_project(context: &Context, nodes: &mut Vec<NodeView>) -> Result<(), Failure> {
    let project = &context.environment.directory;
    for name in node_files::names(project)?.into_iter().chain(node_files::program_names(project)?) {
        if !nodes.iter().any(|node| node.name == name && node.project == *project) {
            nodes.push(by_its_files(project.clone(), name));
        }
    }
    Ok(())
}

/// A node that nobody has started, as far as its files tell.
pub(super) fn by_its_files(project: PathBuf, name: String) -> NodeView {
    let config = node_files::read_config(&node_directory(&project, &name));
    let process = ProcessState::Stopped { since: SystemClock.now(), last_exit: None };
    let is_program = program_directory(&project, &name).is_dir();
    let runtime = config.as_ref().ok().and_then(NodeConfig::runtime).map(|runtime| runtime.name().to_owned());
    NodeView {
        node_id: config.as_ref().ok().and_then(|config| config.node_id()).map(str::to_owned),
        runtime: if is_program { Some(PROGRAM.to_owned()) } else { runtime },
        state: process.word().to_owned(),
        pid: None,
        project,
        desired: Desired::Stopped,
        process,
        link: None,
        work: None,
        proof_of_life: None,
        token: None,
        changed: Vec::new(),
        restarts: 0,
        version: None,
        tells_ready: true,
        incarnation: 0,
        exits: Vec::new(),
        last_exit: None,
        config_error: config.err().map(|failure| format!("{:#}", failure.error)),
        name,
    }
}
