//! The secrets of a node: `config.json` says which variable is which, `.env` has the values. Both are changed under one
//! lock, each whole or not at all, and in an order in which the node can be started whatever happens in between.

use std::path::{Path, PathBuf};

use anet_protocol::env_file;
use anet_protocol::node_config::{EnvValue, NodeConfig, derive_node_id};
use anet_supervisor::dot_env;
use anet_supervisor::token_repair::NodeConfigFile;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;
use crate::files;

/// A node's `config.json` and `.env`, held against everybody else who changes them.
pub(crate) struct NodeSecrets {
    /// `config.json`, to be changed and then saved.
    pub config: NodeConfig,
    file: NodeConfigFile,
    directory: PathBuf,
    /// The text of `.env`.
    dot_env: String,
}

impl NodeSecrets {
    /// Reads both files of the node in `directory`.
    ///
    /// # Errors
    /// When one is missing, broken, or open to others.
    pub(crate) fn open(directory: &Path) -> Result<Self, Failure> {
        let file = NodeConfigFile::lock(directory)?;
        let config = file.load()?;
        let path = directory.join(".env");
        let dot_env = dot_env::read_text(&path).map_err(refused)?.unwrap_or_default();
        // What cannot be read must not be rewritten.
        env_file::parse(&dot_env).map_err(|error| Failure::message(format!("{}: {error}", path.display())))?;
        Ok(Self { config, file, directory: directory.to_owned(), dot_env })
    }

    /// Where the values stand.
    pub(crate) fn dot_env_path(&self) -> PathBuf {
        self.directory.join(".env")
    }

    /// The node's identity, also where the file does not tell it.
    pub(crate) fn node_id(&self) -> String {
        let name = self.directory.file_name().unwrap_or_default().to_string_lossy();
        self.config.node_id().map_or_else(|| derive_node_id(&name), str::to_owned)
    }

    /// The values of `.env`.
    ///
    /// # Errors
    /// When a line breaks the grammar.
    pub(crate) fn values(&self) -> Result<Vec<(String, SecretString)>, Failure> {
        let values = env_file::parse(&self.dot_env)?;
        Ok(values.into_iter().map(|(name, value)| (name, value.into())).collect())
    }

    /// The variables that have their value from `reference`.
    pub(crate) fn users_of(&self, reference: &str) -> Vec<String> {
        let refers = |value: &EnvValue| matches!(value, EnvValue::Reference(name) if name == reference);
        self.config.env().into_iter().filter(|(_, value)| refers(value)).map(|(key, _)| key).collect()
    }

    /// Gives a reference a value.
    ///
    /// # Errors
    /// When the name or the value cannot stand in the file.
    pub(crate) fn set(&mut self, reference: &str, value: &SecretString) -> Result<(), Failure> {
        self.dot_env = env_file::set(&self.dot_env, reference, value.expose_secret())?;
        Ok(())
    }

    /// Takes a reference away; tells whether it was there.
    ///
    /// # Errors
    /// When a line breaks the grammar.
    pub(crate) fn unset(&mut self, reference: &str) -> Result<bool, Failure> {
        let text = env_file::unset(&self.dot_env, reference)?;
        let was_there = text != self.dot_env;
        self.dot_env = text;
        Ok(was_there)
    }

    /// Writes the values first, then what refers to them: in between there is a value that nobody uses yet.
    ///
    /// # Errors
    /// When a file cannot be written, or `.env` does not read back as it was written.
    pub(crate) fn save_adding(&self) -> Result<(), Failure> {
        self.save_dot_env()?;
        Ok(self.file.save(&self.config)?)
    }

    /// Writes what refers to the values first, then the values: in between there is a value that nobody uses any more.
    ///
    /// # Errors
    /// As [`Self::save_adding`].
    pub(crate) fn save_removing(&self) -> Result<(), Failure> {
        self.file.save(&self.config)?;
        self.save_dot_env()
    }

    fn save_dot_env(&self) -> Result<(), Failure> {
        let path = self.dot_env_path();
        if self.dot_env.is_empty() && !path.exists() {
            return Ok(());
        }
        files::write_private(&path, &self.dot_env)?;
        let read = dot_env::read_text(&path).map_err(refused)?;
        if read.as_deref() != Some(&self.dot_env) {
            return Err(Failure::message(format!("{} does not read back as it was written", path.display())));
        }
        Ok(())
    }
}

fn refused(error: anet_supervisor::SecretError) -> Failure {
    let failure = Failure::message(error.error);
    match error.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
