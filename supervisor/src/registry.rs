//! Everything the supervisor looks after: one hub, and nodes by name and project.

mod boot;
mod plan;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anet_protocol::control::{ControlErrorCode, Desired, NodeTarget, Operators};
use anet_protocol::node_config::validate_node_name;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::change_keeper::{ChangeKeeper, Differences};
use crate::launch::{NodeProgram, Program};
use crate::process::{Context, Process, ProcessHandle};
use crate::refusal::Refusal;
use crate::state_file::{History, NodeRecord};
use crate::system::file_identity::FileIdentity;
use crate::token_keeper::{TokenKeeper, TokenStates};

use view::Described;

/// Name and project: two projects may each have a node of one name.
type NodeKey = (String, PathBuf);

/// All processes.
pub(crate) struct Registry {
    pub(crate) context: Arc<Context>,
    pub(crate) hub: ProcessHandle,
    nodes: Mutex<BTreeMap<NodeKey, Node>>,
    /// Held while a node is made known or forgotten, so that no two actors ever own one node.
    membership: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    /// Cancelled when the supervisor leaves.
    pub(crate) leave: CancellationToken,
    pub(crate) since: anet_protocol::time::Timestamp,
    executable: Option<FileIdentity>,
    /// Names this life of the supervisor.
    instance: String,
    /// Who else may operate it.
    operators: Mutex<Option<Operators>>,
}

/// A node that was made known.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) program: NodeProgram,
    pub(crate) handle: ProcessHandle,
    described: Arc<Mutex<Option<Described>>>,
    /// What is being done about its token.
    pub(crate) token: TokenStates,
    /// What was changed of it since it was started.
    pub(crate) differences: Differences,
}

impl Registry {
    fn nodes(&self) -> MutexGuard<'_, BTreeMap<NodeKey, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every node, by name, then by project.
    pub(crate) fn all_nodes(&self) -> Vec<Node> {
        self.nodes().values().cloned().collect()
    }

    /// Shows in the status who else may operate the supervisor.
    pub(crate) fn show_operators(&self, operators: Option<Operators>) {
        *self.operators.lock().unwrap_or_else(PoisonError::into_inner) = operators;
    }

    /// The node that a request means.
    ///
    /// # Errors
    /// When there is none of that name, or several and the project was not given.
    pub(crate) fn find(&self, name: &str, target: &NodeTarget) -> Result<Node, Refusal> {
        check_name(name)?;
        let nodes = self.nodes();
        if let Some(project) = &target.project {
            // The spelling under which it is known needs no look at the disk.
            if let Some(node) = nodes.get(&(name.to_owned(), project.clone())) {
                return Ok(node.clone());
            }
            let project = absolute(project)?;
            return nodes
                .get(&(name.to_owned(), project.clone()))
                .cloned()
                .ok_or_else(|| not_found(&format!("there is no node {name} in {}", project.display())));
        }
        let mut found: Vec<&Node> = nodes.values().filter(|node| node.program.name == name).collect();
        match (found.pop(), found.as_slice()) {
            (Some(node), []) => Ok(node.clone()),
            (Some(last), others) => {
                let projects: Vec<String> =
                    others.iter().chain([&last]).map(|node| node.program.project.display().to_string()).collect();
                let error = format!("several projects have a node {name}: {}", projects.join(", "));
                Err(Refusal::new(ControlErrorCode::AmbiguousNode, error)
                    .hint(format!("name one with --project {}", projects[0])))
            }
            (None, _) => Err(not_found(&format!("no node {name} is known"))),
        }
    }

    /// The files of the node that a request means; in a project that was given it need not be known.
    ///
    /// # Errors
    /// When there is none of that name, or several and the project was not given.
    pub(crate) fn find_program(&self, name: &str, target: &NodeTarget) -> Result<NodeProgram, Refusal> {
        check_name(name)?;
        let Some(project) = &target.project else { return Ok(self.find(name, target)?.program) };
        let program = NodeProgram { name: name.to_owned(), project: absolute(project)? };
        match self.find(name, target) {
            Ok(node) => Ok(node.program),
            Err(_) if program.directory().is_dir() => Ok(program),
            Err(refusal) => Err(refusal),
        }
    }

    /// The node that a request means; a project that was given makes it known.
    ///
    /// # Errors
    /// When the project has no such node, or the state cannot be saved.
    pub(crate) async fn find_or_register(&self, name: &str, target: &NodeTarget) -> Result<Node, Refusal> {
        check_name(name)?;
        let Some(project) = &target.project else { return self.find(name, target) };
        if let Some(node) = self.nodes().get(&(name.to_owned(), project.clone())) {
            return Ok(node.clone());
        }
        let program = NodeProgram { name: name.to_owned(), project: absolute(project)? };
        let key = (program.name.clone(), program.project.clone());
        let _membership = self.membership.lock().await;
        if let Some(node) = self.nodes().get(&key) {
            return Ok(node.clone());
        }
        if !program.directory().is_dir() {
            return Err(not_found(&format!("there is no node {name} in {}", program.project.display())));
        }
        let record = NodeRecord {
            name: program.name.clone(),
            project: program.project.clone(),
            desired: Desired::Stopped,
            process: None,
            history: History::default(),
        };
        self.context.store.update(|state| state.nodes.push(record.into())).await.map_err(Refusal::internal)?;
        let context = Arc::clone(&self.context);
        let (process, handle) =
            Process::new(context, Program::Node(program.clone()), Desired::Stopped, History::default());
        let (keeper, token) = TokenKeeper::new(Arc::clone(&self.context), program.clone(), handle.clone());
        let (changes, differences) = ChangeKeeper::new(Arc::clone(&self.context), program.clone(), handle.clone());
        let node = Node { program, handle, described: Arc::default(), token, differences };
        self.nodes().insert(key, node.clone());
        self.tasks.spawn(live(process, self.leave.clone()));
        self.tasks.spawn(keep(keeper, changes, self.leave.clone()));
        Ok(node)
    }

    /// Takes a node out of the registry.
    ///
    /// # Errors
    /// When it runs.
    pub(crate) async fn forget(&self, name: &str, target: &NodeTarget) -> Result<(), Refusal> {
        let _membership = self.membership.lock().await;
        let node = self.find(name, target)?;
        node.handle.forget().await?;
        self.nodes().remove(&(node.program.name, node.program.project));
        Ok(())
    }
}

/// The life of an actor: until it ends by itself or the supervisor leaves.
async fn live(process: Process, leave: CancellationToken) {
    leave.run_until_cancelled(process.run()).await;
}

/// Looks after a node's token and its files, until it is forgotten or the supervisor leaves.
async fn keep(token: TokenKeeper, changes: ChangeKeeper, leave: CancellationToken) {
    leave.run_until_cancelled(async { tokio::join!(token.run(), changes.run()) }).await;
}

fn check_name(name: &str) -> Result<(), Refusal> {
    validate_node_name(name)
        .map_err(|error| Refusal::new(ControlErrorCode::InvalidInput, format!("invalid node name: {error}")))
}

/// One spelling for each project, so that a link to it does not make a second node of each.
fn absolute(project: &Path) -> Result<PathBuf, Refusal> {
    if !project.is_absolute() {
        let error = format!("the project directory {} is not absolute", project.display());
        return Err(Refusal::new(ControlErrorCode::InvalidInput, error));
    }
    // A directory that vanished keeps the spelling under which it was known.
    Ok(std::fs::canonicalize(project).unwrap_or_else(|_| project.to_owned()))
}

fn not_found(error: &str) -> Refusal {
    Refusal::new(ControlErrorCode::NodeNotFound, error).hint("`anet node ls` lists the nodes of this machine")
}
