//! The nodes: those of the project the command was typed in, and every other one that the supervisor knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anet_protocol::control::{Desired, NodeView};
use anet_protocol::id::NetworkId;
use anet_protocol::node_config::{EnvValue, NodeConfig, derive_node_id};
use anet_protocol::token;
use futures_util::StreamExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::hub::HubFacts;
use super::{JsonFile, StateFile};
use crate::doctor::own_file::{self, FileProblem};
use crate::doctor::patient::Patient;
use crate::hub_address::is_loopback;
use crate::launch::NodeProgram;
use crate::token_repair::{NodeAccount, Probe, probe};

/// How many nodes' tokens are tried at once.
const AT_ONCE: usize = 8;

/// A node.
#[derive(Debug)]
pub(in crate::doctor) struct NodeFacts {
    pub(in crate::doctor) name: String,
    pub(in crate::doctor) project: PathBuf,
    pub(in crate::doctor) directory: PathBuf,
    /// A program that is kept alive without being a node: the hub knows nothing of it.
    pub(in crate::doctor) is_program: bool,
    pub(in crate::doctor) config: NodeFile,
    /// What is wanted, as the supervisor has written it down; absent when it does not know the node.
    pub(in crate::doctor) desired: Option<Desired>,
    /// What the supervisor sees.
    pub(in crate::doctor) view: Option<NodeView>,
    pub(in crate::doctor) token: NodeToken,
    /// Whether the hub of the settings knows the token, where the node's own hub is silent and both are on this machine.
    pub(in crate::doctor) is_known_elsewhere: bool,
}

/// Its `config.json`.
#[derive(Debug)]
pub(in crate::doctor) enum NodeFile {
    /// The whole directory is gone.
    NoDirectory,
    /// It is another user's, who lets this one operate the supervisor.
    Closed,
    Absent,
    Broken(FileProblem),
    Read {
        fields: Map<String, Value>,
        config: Box<NodeConfig>,
    },
}

/// Its token.
#[derive(Debug)]
pub(in crate::doctor) enum NodeToken {
    /// There is no configuration to look for it in.
    Unknown,
    /// It could not be tried; why.
    Untried(String),
    /// Its hub, at this address, was asked.
    Probed { hub: String, probe: Probe },
}

impl NodeFacts {
    pub(in crate::doctor) fn config(&self) -> Option<&NodeConfig> {
        match &self.config {
            NodeFile::Read { config, .. } => Some(config),
            NodeFile::NoDirectory | NodeFile::Closed | NodeFile::Absent | NodeFile::Broken(_) => None,
        }
    }

    pub(in crate::doctor) fn fields(&self) -> Option<&Map<String, Value>> {
        match &self.config {
            NodeFile::Read { fields, .. } => Some(fields),
            NodeFile::NoDirectory | NodeFile::Closed | NodeFile::Absent | NodeFile::Broken(_) => None,
        }
    }

    /// Whether its configuration refers to values that stand elsewhere.
    pub(in crate::doctor) fn has_references(&self) -> bool {
        let variables = self.config().map(NodeConfig::env).unwrap_or_default();
        variables.iter().any(|(_, value)| matches!(value, EnvValue::Reference(_)))
    }

    /// The identity that holds, written down or derived.
    pub(in crate::doctor) fn node_id(&self) -> Option<String> {
        let config = self.config().filter(|_| !self.is_program)?;
        Some(config.node_id().map_or_else(|| derive_node_id(&self.name), str::to_owned))
    }
}

/// Every node there is, by name and project.
pub(in crate::doctor) fn find(patient: &Patient, state: &StateFile) -> Vec<NodeFacts> {
    let mut known: BTreeSet<(String, PathBuf)> = BTreeSet::new();
    if let Some(project) = patient.directory.ancestors().find(|directory| directory.join(".anet/nodes").is_dir()) {
        known.extend(directories(&project.join(".anet/nodes")).map(|name| (name, project.to_owned())));
    }
    if let Some(state) = state.state() {
        known.extend(state.nodes.iter().map(|node| (node.name.clone(), node.project.clone())));
    }
    if let Some(status) = patient.supervisor.status() {
        known.extend(status.nodes.iter().map(|node| (node.name.clone(), node.project.clone())));
    }
    known.into_iter().map(|(name, project)| look_at(name, project, patient, state)).collect()
}

fn directories(parent: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    let is_directory = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_directory).filter_map(|entry| entry.file_name().into_string().ok())
}

fn look_at(name: String, project: PathBuf, patient: &Patient, state: &StateFile) -> NodeFacts {
    let program = NodeProgram { name: name.clone(), project: project.clone() };
    let directory = program.directory();
    let views = patient.supervisor.status().into_iter().flat_map(|status| &status.nodes);
    let view = views.into_iter().find(|view| view.name == name && view.project == project).cloned();
    let records = state.state().into_iter().flat_map(|state| &state.nodes);
    let record = records.into_iter().find(|record| record.name == name && record.project == project);
    NodeFacts {
        is_program: program.is_program(),
        config: read_config(&directory),
        desired: record.map(|record| record.desired),
        token: NodeToken::Unknown,
        is_known_elsewhere: false,
        view,
        directory,
        name,
        project,
    }
}

fn read_config(directory: &Path) -> NodeFile {
    match std::fs::metadata(directory.join(".")) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return NodeFile::Closed,
        Err(_) => return NodeFile::NoDirectory,
    }
    let path = directory.join("config.json");
    match JsonFile::read(&path) {
        JsonFile::Absent => NodeFile::Absent,
        JsonFile::Broken(problem) => NodeFile::Broken(problem),
        JsonFile::Object(fields) => {
            let text = Value::Object(fields.clone()).to_string();
            match NodeConfig::parse(&text, "config.json") {
                Ok(config) => NodeFile::Read { fields, config: Box::new(config) },
                Err(error) => NodeFile::Broken(FileProblem {
                    seen: error.to_string().trim_start_matches("config.json: ").to_owned(),
                    command: own_file::edit(&path),
                }),
            }
        }
    }
}

/// Asks the hubs who the nodes' tokens are. A token goes to no hub but its node's.
pub(in crate::doctor) async fn ask(nodes: &mut [NodeFacts], patient: &Patient, hub: Option<&HubFacts>) {
    let asked = futures_util::stream::iter(nodes).map(|node| async {
        node.token = token_of(node, patient, hub).await;
        node.is_known_elsewhere = is_known_elsewhere(node, patient).await;
    });
    asked.buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn token_of(node: &NodeFacts, patient: &Patient, hub: Option<&HubFacts>) -> NodeToken {
    let Some(config) = node.config().filter(|_| !node.is_program) else { return NodeToken::Unknown };
    let Some(url) = config.hub().or(patient.hub.as_deref()) else {
        return NodeToken::Untried("nothing names its hub".to_owned());
    };
    // What is wrong with a token by its form is seen without a hub.
    let is_whole = config.token().is_some_and(|token| token::parse(token.expose_secret()).is_ok());
    let is_silent = hub.is_some_and(|hub| hub.url == url.trim_end_matches('/') && hub.healthy().is_none());
    if is_whole && is_silent {
        return NodeToken::Untried("its hub does not answer".to_owned());
    }
    match probe(&account(node, config, url)).await {
        Ok(probe) => NodeToken::Probed { hub: url.to_owned(), probe },
        Err(error) => NodeToken::Untried(error.to_string()),
    }
}

fn account(node: &NodeFacts, config: &NodeConfig, hub: &str) -> NodeAccount {
    NodeAccount {
        directory: node.directory.clone(),
        name: config.alias().unwrap_or(&node.name).to_owned(),
        node_id: config.node_id().map_or_else(|| derive_node_id(&node.name), str::to_owned).into(),
        hub: hub.to_owned(),
        network_id: config.network_id().map(NetworkId::from),
        token: config.token(),
    }
}

/// Whether the hub of the settings takes the token of a node whose own hub is silent for that node's. Both are on this
/// machine, so that nothing leaves it.
async fn is_known_elsewhere(node: &NodeFacts, patient: &Patient) -> bool {
    let (NodeToken::Probed { hub: own, probe: Probe::Unreachable { .. } }, Some(config), Some(other)) =
        (&node.token, node.config(), patient.hub.as_deref())
    else {
        return false;
    };
    is_local(own) && is_local(other) && matches!(probe(&account(node, config, other)).await, Ok(Probe::Valid { .. }))
}

pub(super) fn is_local(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| is_loopback(&url))
}
