//! Where the value of a reference (`{"_envRef": NAME}`) is looked for: in the node's `.env`, then among the
//! credentials of the service manager, then in what was handed over as a descriptor, then in the caller's own
//! environment. An empty value counts as none.
//!
//! The file of the node comes first, because it is written for this node alone and an edit of it must not be
//! masked by what all nodes share; the environment comes last, because it is gone with the shell it was typed in.

use std::ffi::OsString;
use std::path::Path;

use anet_protocol::control::{Reference, ValueSource};
use anet_protocol::node_config::{EnvValue, NodeConfig};
use secrecy::{ExposeSecret as _, SecretString};

use crate::environment::lookup;
use crate::secret_descriptor::SecretDescriptor;
use crate::secret_error::SecretError;
use crate::{dot_env, service_credential};

/// What all nodes that one program starts have in common.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'program> {
    /// The program's environment.
    pub environment: &'program [(OsString, OsString)],
    /// What it was handed.
    pub secrets: Option<&'program SecretDescriptor>,
}

impl<'program, E: AsRef<[(OsString, OsString)]>> From<&'program E> for Caller<'program> {
    fn from(environment: &'program E) -> Self {
        Self { environment: environment.as_ref(), secrets: None }
    }
}

/// The sources of one node.
pub(crate) struct SecretSources<'program> {
    dot_env: Vec<(String, SecretString)>,
    descriptor: Vec<(String, SecretString)>,
    environment: &'program [(OsString, OsString)],
}

impl<'program> SecretSources<'program> {
    /// Reads the node's `.env`, and what was handed over.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub(crate) fn read(dot_env_path: &Path, caller: impl Into<Caller<'program>>) -> Result<Self, SecretError> {
        let caller = caller.into();
        let dot_env = dot_env::read(dot_env_path)?;
        let descriptor = caller.secrets.map(SecretDescriptor::read).transpose()?.unwrap_or_default();
        Ok(Self { dot_env, descriptor, environment: caller.environment })
    }

    /// The value of a reference, and where it stands.
    ///
    /// # Errors
    /// When there is a credential of that name that cannot be used.
    pub(crate) fn find(&self, reference: &str) -> Result<Option<(ValueSource, OsString)>, SecretError> {
        let among = |variables: &[(String, SecretString)]| {
            let found = variables.iter().find(|(name, value)| name == reference && !value.expose_secret().is_empty());
            found.map(|(_, value)| OsString::from(value.expose_secret()))
        };
        if let Some(value) = among(&self.dot_env) {
            return Ok(Some((ValueSource::DotEnv, value)));
        }
        if let Some(value) = service_credential::read(self.environment, reference)? {
            return Ok(Some((ValueSource::Credential, value.expose_secret().into())));
        }
        if let Some(value) = among(&self.descriptor) {
            return Ok(Some((ValueSource::Descriptor, value)));
        }
        Ok(lookup(self.environment, reference).map(|value| (ValueSource::Environment, value.to_owned())))
    }
}

/// What a configuration refers to, and where each value stands for a node that `caller` starts.
///
/// # Errors
/// When its `.env`, a credential of such a name, or what the caller was handed cannot be used.
pub fn references<'program>(
    config: &NodeConfig,
    dot_env_path: &Path,
    caller: impl Into<Caller<'program>>,
) -> Result<Vec<Reference>, SecretError> {
    let sources = SecretSources::read(dot_env_path, caller)?;
    let names = config.env().into_iter().filter_map(|(_, value)| match value {
        EnvValue::Reference(name) => Some(name),
        EnvValue::Plain(_) => None,
    });
    names
        .map(|name| {
            let source = sources.find(&name)?.map(|(source, _)| source);
            Ok(Reference { name, source })
        })
        .collect()
}
