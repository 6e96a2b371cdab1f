use std::path::{Path, PathBuf};

use anet_protocol::id::{NetworkId, NodeId};
use anet_protocol::node_config::{NodeConfig, derive_node_id};
use secrecy::SecretString;

use super::RepairError;
use crate::login::Login;
use crate::private_file::{self, FileError, FileLock};

/// What a node's `config.json` says about the node's account at its hub.
#[derive(Clone, Debug)]
pub struct NodeAccount {
    /// `PROJECT/.anet/nodes/NAME`.
    pub directory: PathBuf,
    /// Its alias.
    pub name: String,
    /// Its identity.
    pub node_id: NodeId,
    /// The address of its hub: its own, or the one of the login.
    pub hub: String,
    /// The network it acts in; unknown in files of the older tools.
    pub network_id: Option<NetworkId>,
    /// Its token, of whatever kind.
    pub token: Option<SecretString>,
}

impl NodeAccount {
    /// Reads the account of the node in `directory`.
    ///
    /// # Errors
    /// When the configuration cannot be read; the error names file, line and column.
    pub fn read(directory: &Path, login: &Login) -> Result<Self, RepairError> {
        let config = NodeConfigFile::read(directory)?;
        let directory_name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            directory: directory.to_owned(),
            name: config.alias().unwrap_or(&directory_name).to_owned(),
            node_id: config.node_id().map_or_else(|| derive_node_id(&directory_name), str::to_owned).into(),
            hub: config.hub().unwrap_or(&login.hub).to_owned(),
            network_id: config.network_id().map(NetworkId::from),
            token: config.token(),
        })
    }
}

/// A node's `config.json`, changed by one process at a time. Keys that are not known stay, in their order.
#[derive(Debug)]
pub struct NodeConfigFile {
    path: PathBuf,
    _lock: FileLock,
}

impl NodeConfigFile {
    /// Reads the file in the node's `directory`.
    ///
    /// # Errors
    /// When it is missing, broken, or not this user's own.
    pub fn read(directory: &Path) -> Result<NodeConfig, RepairError> {
        let path = directory.join("config.json");
        let text = private_file::read_own(&path)?.ok_or_else(|| FileError {
            action: "read",
            path: path.clone(),
            reason: "there is none".to_owned(),
        })?;
        Ok(NodeConfig::parse(&text, &path.to_string_lossy())?)
    }

    /// Waits until nobody else changes the file; not to be called where waiting stops others.
    ///
    /// # Errors
    /// When the lock cannot be taken.
    pub fn lock(directory: &Path) -> Result<Self, RepairError> {
        let lock = FileLock::wait(&directory.join("config.json.lock"))?;
        Ok(Self { path: directory.join("config.json"), _lock: lock })
    }

    /// The file as it is now, and as it stays until this lock is dropped.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn load(&self) -> Result<NodeConfig, RepairError> {
        Self::read(self.path.parent().unwrap_or(Path::new("/")))
    }

    /// Writes the file, 0600, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then untouched.
    pub fn save(&self, config: &NodeConfig) -> Result<(), RepairError> {
        Ok(private_file::write(&self.path, &config.to_text())?)
    }
}
