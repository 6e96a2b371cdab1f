//! A node: its directory, its configuration, its command line.

use std::path::{Path, PathBuf};

use anet_protocol::control::Reference;
use anet_protocol::node_config::{EnvValue, NodeConfig, derive_node_id};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::dot_env;
use crate::launch::node_environment::node_environment;
use crate::launch::{Launch, LaunchError, Told, program};
use crate::login::Login;
use crate::paths::{ensure_private_directory, node_directory, program_directory};
use crate::policy::Policy;
use crate::process::Context;
use crate::secret_source::{SecretSources, references};
use crate::settings::Settings;

/// A node in its project.
#[derive(Clone, Debug)]
pub(crate) struct NodeProgram {
    pub(crate) name: String,
    /// Absolute.
    pub(crate) project: PathBuf,
}

/// What a table of nodes shows of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeDescription {
    /// Absent for a program that is no node.
    pub(crate) node_id: Option<String>,
    pub(crate) runtime: Option<String>,
    /// Whether it says when it is ready.
    pub(crate) tells_ready: bool,
}

impl NodeProgram {
    pub(crate) fn directory(&self) -> PathBuf {
        node_directory(&self.project, &self.name)
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.directory().join("config.json")
    }

    pub(crate) fn dot_env_path(&self) -> PathBuf {
        self.directory().join(".env")
    }

    pub(crate) fn log_directory(&self) -> PathBuf {
        self.directory().join("logs")
    }

    /// Whether it is a program that is kept alive without being a node.
    pub(crate) fn is_program(&self) -> bool {
        program_directory(&self.project, &self.name).is_dir()
    }

    /// Whether it says when it is ready; what is no node must say so in its configuration.
    pub(crate) fn tells_ready(&self) -> bool {
        !self.is_program() || self.read_config().is_ok_and(|config| program::tells_ready(&config))
    }

    /// What its configuration says about it.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub(crate) fn describe(&self) -> Result<NodeDescription, LaunchError> {
        let config = self.read_config()?;
        if self.is_program() {
            let runtime = Some(program::RUNTIME.to_owned());
            return Ok(NodeDescription { node_id: None, runtime, tells_ready: program::tells_ready(&config) });
        }
        Ok(NodeDescription {
            node_id: Some(config.node_id().map_or_else(|| derive_node_id(&self.name), str::to_owned)),
            runtime: config.runtime().map(|runtime| runtime.name().to_owned()),
            tells_ready: true,
        })
    }

    /// How it is to be kept, by its own configuration; a node says nothing of that.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub(crate) fn policy_keys(&self) -> Result<Map<String, Value>, LaunchError> {
        if self.is_program() { program::policy_keys(self, &self.read_config()?) } else { Ok(Map::new()) }
    }

    /// Whether its hub may be the one of this supervisor, which listens on `port`. A configuration that cannot be
    /// read says nothing against it; the start tells what is wrong with it.
    pub(crate) fn uses_hub_on(&self, port: u16) -> bool {
        let Ok(config) = self.read_config() else { return true };
        let Some(hub) = config.hub() else { return true };
        let port = format!(":{port}");
        hub.trim_end_matches('/').ends_with(&port) || hub.contains(&format!("{port}/"))
    }

    /// What its configuration refers to, and where each value stands now.
    ///
    /// # Errors
    /// When its configuration or one of the sources cannot be used.
    pub(crate) fn references(&self, context: &Context) -> Result<Vec<Reference>, LaunchError> {
        Ok(references(&self.read_config()?, &self.dot_env_path(), &context.settings)?)
    }

    /// Under which name the value of its variable stands, if its configuration refers to one.
    pub(crate) fn reference_of(&self, variable: &str) -> Option<String> {
        self.read_config().ok()?.env().into_iter().find_map(|(name, value)| match value {
            EnvValue::Reference(reference) if name == variable => Some(reference),
            _ => None,
        })
    }

    /// What must not be shown of its logs: its token, the values of its `.env`, and what it refers to elsewhere,
    /// as far as they can be read.
    pub(crate) fn secrets(&self, settings: &Settings) -> Vec<SecretString> {
        let mut secrets: Vec<SecretString> =
            dot_env::read(&self.dot_env_path()).unwrap_or_default().into_iter().map(|(_, value)| value).collect();
        let Ok(config) = self.read_config() else { return secrets };
        secrets.extend(config.token());
        if let Ok(sources) = SecretSources::read(&self.dot_env_path(), settings) {
            let references = config.env().into_iter().filter_map(|(_, value)| match value {
                EnvValue::Reference(reference) => sources.find(&reference).ok().flatten(),
                EnvValue::Plain(_) => None,
            });
            secrets.extend(references.filter_map(|(_, value)| value.into_string().ok()).map(SecretString::from));
        }
        secrets
    }

    /// Whether its configuration and its secrets could be used for a start.
    ///
    /// # Errors
    /// [`LaunchError::Config`] says what is wrong with them.
    pub(crate) fn check_files(&self, context: &Context) -> Result<(), LaunchError> {
        let config = self.read_config()?;
        node_environment(&config, &self.dot_env_path(), &context.settings)?;
        Ok(())
    }

    /// The port that its configuration declares, else the one of its policy; none where the configuration cannot be used.
    pub(crate) fn port(&self, policy: &Policy) -> Option<u16> {
        let declared = if self.is_program() { program::port(self, &self.read_config().ok()?).ok()? } else { None };
        declared.or(policy.port)
    }

    pub(crate) fn prepare(&self, context: &Context) -> Result<Launch, LaunchError> {
        let config = self.read_config()?;
        if self.is_program() {
            return program::prepare(self, config, context);
        }
        let environment = node_environment(&config, &self.dot_env_path(), &context.settings)?;
        let log_directory = self.log_directory();
        ensure_private_directory(&log_directory).map_err(|error| {
            LaunchError::Passing(format!("cannot make the log directory {}: {error}", log_directory.display()))
        })?;
        let mut command_line = context.settings.launcher.node.clone();
        command_line.extend(["--directory".into(), self.directory().into()]);
        let hub = || Some(Login::read(&context.paths.home).ok()?.hub.trim_end_matches('/').to_owned());
        let hub = if config.hub().is_none() { hub() } else { None };
        let told = Told { configuration: comparable(config), hub, port: None, ready: true };
        Ok(Launch { command_line, environment, directory: self.project.clone(), log_directory, stdin: None, told })
    }

    fn read_config(&self) -> Result<NodeConfig, LaunchError> {
        let path = self.config_path();
        let text = std::fs::read_to_string(&path).map_err(|error| self.unreadable(&path, &error))?;
        NodeConfig::parse(&text, &path.to_string_lossy()).map_err(|error| LaunchError::Config {
            error: error.to_string(),
            hint: Some(format!("edit {}", path.display())),
        })
    }

    fn unreadable(&self, path: &Path, error: &std::io::Error) -> LaunchError {
        if self.directory().is_dir() {
            let hint = Some(format!("`anet node create {} -- PROGRAM`", self.name));
            return LaunchError::Config { error: format!("cannot read {}: {error}", path.display()), hint };
        }
        LaunchError::Config {
            error: format!(
                "neither nodes/{0} nor programs/{0} is in {1}: its directory is gone",
                self.name,
                self.project.join(".anet").display()
            ),
            // In another project the same name is another node.
            hint: Some(format!("restore it, or: anet node delete {} --project {}", self.name, self.project.display())),
        }
    }
}

/// A configuration as [`Told`] has it.
pub(super) fn comparable(mut config: NodeConfig) -> String {
    config.set_token(None);
    drop(config.take("policy"));
    for (name, _) in config.env() {
        config.set_env(&name, None);
    }
    config.to_text()
}
