//! Where the value of a reference (`{"_envRef": NAME}`) is looked for: in the node's `.env`, then among the
//! credentials of the service manager, then in the caller's own environment. An empty value counts as none.
//!
//! The file of the node comes first, because it is written for this node alone and an edit of it must not be
//! masked by what all nodes share; the environment comes last, because it is gone with the shell it was typed in.

use std::ffi::OsString;
use std::path::Path;

use anet_protocol::control::ValueSource;
use secrecy::{ExposeSecret as _, SecretString};

use crate::environment::lookup;
use crate::secret_error::SecretError;
use crate::{dot_env, service_credential};

/// The sources of one node.
pub(crate) struct SecretSources<'environment> {
    dot_env: Vec<(String, SecretString)>,
    environment: &'environment [(OsString, OsString)],
}

impl<'environment> SecretSources<'environment> {
    /// Reads the node's `.env`.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(crate) fn read(
        dot_env_path: &Path,
        environment: &'environment [(OsString, OsString)],
    ) -> Result<Self, SecretError> {
        Ok(Self { dot_env: dot_env::read(dot_env_path)?, environment })
    }

    /// The value of a reference, and where it stands.
    ///
    /// # Errors
    /// When there is a credential of that name that cannot be used.
    pub(crate) fn find(&self, reference: &str) -> Result<Option<(ValueSource, OsString)>, SecretError> {
        let in_file = self.dot_env.iter().find(|(name, value)| name == reference && !value.expose_secret().is_empty());
        if let Some((_, value)) = in_file {
            return Ok(Some((ValueSource::DotEnv, value.expose_secret().into())));
        }
        if let Some(value) = service_credential::read(self.environment, reference)? {
            return Ok(Some((ValueSource::Credential, value.expose_secret().into())));
        }
        Ok(lookup(self.environment, reference).map(|value| (ValueSource::Environment, value.to_owned())))
    }
}

/// Where the value of a reference stands, for a node that is started with the environment `caller`.
///
/// # Errors
/// When its `.env`, or a credential of that name, cannot be used.
pub fn find_value(
    dot_env_path: &Path,
    caller: &[(OsString, OsString)],
    reference: &str,
) -> Result<Option<ValueSource>, SecretError> {
    Ok(SecretSources::read(dot_env_path, caller)?.find(reference)?.map(|(source, _)| source))
}
