//! The nodes: those of the project the command was typed in, and every other one that the supervisor knows.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anet_protocol::control::{Desired, NodeView};
use anet_protocol::node_config::{NodeConfig, derive_node_id};
use anet_protocol::token::{self, TokenKind};
use futures_util::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::hub::{HubAnswer, HubFacts, Whoami, build_client, whoami};
use super::{JsonFile, StateFile};
use crate::doctor::own_file::FileProblem;
use crate::doctor::patient::Patient;
use crate::paths::node_directory;

/// How many nodes' tokens are tried at once.
const AT_ONCE: usize = 8;

/// A node.
#[derive(Debug)]
pub(in crate::doctor) struct NodeFacts {
    pub(in crate::doctor) name: String,
    pub(in crate::doctor) project: PathBuf,
    pub(in crate::doctor) directory: PathBuf,
    pub(in crate::doctor) config: NodeFile,
    /// What is wanted, as the supervisor has written it down; absent when it does not know the node.
    pub(in crate::doctor) desired: Option<Desired>,
    /// What the supervisor sees.
    pub(in crate::doctor) view: Option<NodeView>,
    pub(in crate::doctor) token: NodeToken,
    /// Who the hub of the settings takes the token for, where the node's own hub does not answer and both are here.
    pub(in crate::doctor) elsewhere: Option<Whoami>,
}

/// Its `config.json`.
#[derive(Debug)]
pub(in crate::doctor) enum NodeFile {
    /// The whole directory is gone.
    NoDirectory,
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
    Missing,
    /// It is a person's login or an API key.
    OfAnother(TokenKind),
    /// It is none, by its form.
    Untyped,
    /// It could not be tried; why.
    Untried(String),
    /// The hub at this address was asked who it is.
    Tried {
        hub: String,
        answer: Whoami,
    },
}

impl NodeFacts {
    pub(in crate::doctor) fn config(&self) -> Option<&NodeConfig> {
        match &self.config {
            NodeFile::Read { config, .. } => Some(config),
            NodeFile::NoDirectory | NodeFile::Absent | NodeFile::Broken(_) => None,
        }
    }

    pub(in crate::doctor) fn fields(&self) -> Option<&Map<String, Value>> {
        match &self.config {
            NodeFile::Read { fields, .. } => Some(fields),
            NodeFile::NoDirectory | NodeFile::Absent | NodeFile::Broken(_) => None,
        }
    }

    /// The identity that holds, written down or derived.
    pub(in crate::doctor) fn node_id(&self) -> Option<String> {
        let config = self.config()?;
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
    let directory = node_directory(&project, &name);
    let views = patient.supervisor.status().into_iter().flat_map(|status| &status.nodes);
    let view = views.into_iter().find(|view| view.name == name && view.project == project).cloned();
    let records = state.state().into_iter().flat_map(|state| &state.nodes);
    let record = records.into_iter().find(|record| record.name == name && record.project == project);
    NodeFacts {
        config: read_config(&directory),
        desired: record.map(|record| record.desired),
        token: NodeToken::Unknown,
        elsewhere: None,
        view,
        directory,
        name,
        project,
    }
}

fn read_config(directory: &Path) -> NodeFile {
    if !directory.is_dir() {
        return NodeFile::NoDirectory;
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
                    command: Some(format!("edit {}", path.display())),
                }),
            }
        }
    }
}

/// Asks the hubs who the nodes' tokens are. A token goes to no hub but its node's.
pub(in crate::doctor) async fn ask(nodes: &mut [NodeFacts], patient: &Patient, hub: Option<&HubFacts>) {
    let asked = futures_util::stream::iter(nodes).map(|node| async {
        node.token = token_of(node, patient, hub).await;
        node.elsewhere = ask_elsewhere(node, patient).await;
    });
    asked.buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn token_of(node: &NodeFacts, patient: &Patient, hub: Option<&HubFacts>) -> NodeToken {
    let Some(config) = node.config() else { return NodeToken::Unknown };
    let Some(secret) = config.token() else { return NodeToken::Missing };
    match token::parse(secret.expose_secret()) {
        Ok(TokenKind::Node) => {}
        Ok(other) => return NodeToken::OfAnother(other),
        Err(_) => return NodeToken::Untyped,
    }
    let Some(url) = config.hub().or(patient.hub.as_deref()) else {
        return NodeToken::Untried("nothing names its hub".to_owned());
    };
    match hub.filter(|hub| hub.url == url.trim_end_matches('/')) {
        Some(HubFacts { answer: HubAnswer::Unreachable(_) | HubAnswer::NoAddress(_), .. }) => {
            NodeToken::Untried("its hub does not answer".to_owned())
        }
        _ => try_token(url, &secret).await,
    }
}

async fn try_token(url: &str, secret: &SecretString) -> NodeToken {
    match build_client() {
        Ok(client) => NodeToken::Tried { hub: url.to_owned(), answer: whoami(&client, url, secret).await },
        Err(error) => NodeToken::Untried(error),
    }
}

/// Asks the hub of the settings about the token of a node whose own hub is silent. Nothing leaves this machine.
async fn ask_elsewhere(node: &NodeFacts, patient: &Patient) -> Option<Whoami> {
    let NodeToken::Tried { hub: own, answer: Whoami::Unclear(_) } = &node.token else { return None };
    let other = patient.hub.as_deref().filter(|other| is_loopback(own) && is_loopback(other))?;
    whoami(&build_client().ok()?, other, &node.config()?.token()?).await.into()
}

pub(super) fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        address.map_or(host == "localhost", |address| address.is_loopback())
    })
}
