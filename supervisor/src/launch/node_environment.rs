//! The environment of a node: the allow-list, what its configuration says, and the secrets that
//! the configuration refers to.

use std::ffi::OsString;
use std::path::Path;

use anet_protocol::node_config::{EnvValue, NodeConfig};

use crate::environment::{allowed, lookup};
use crate::secret_descriptor::SecretDescriptor;
use crate::secret_error::SecretError;
use crate::secret_source::{Caller, SecretSources};

/// The environment of a node: the allow-list of the caller's, and what the configuration says. A reference is
/// looked up in `.env` first, then in `$CREDENTIALS_DIRECTORY`, then in what the caller was handed, then in its
/// environment; an empty value counts as none.
///
/// # Errors
/// For a `.env`, a credential or a descriptor that cannot be used, and for a reference without a value.
pub fn node_environment<'program>(
    config: &NodeConfig,
    dot_env_path: &Path,
    caller: impl Into<Caller<'program>>,
) -> Result<Vec<(OsString, OsString)>, SecretError> {
    let caller = caller.into();
    let sources = SecretSources::read(dot_env_path, caller)?;
    let mut environment = allowed(caller.environment);
    let mut missing = Vec::new();
    for (name, value) in config.env() {
        let value = match value {
            EnvValue::Plain(text) => expand_home(text, caller.environment),
            EnvValue::Reference(reference) => {
                let Some((_, value)) = sources.find(&reference)? else {
                    missing.push((name, reference));
                    continue;
                };
                value
            }
        };
        environment.retain(|(known, _)| *known != *name);
        environment.push((name.into(), value));
    }
    if missing.is_empty() { Ok(environment) } else { Err(without_value(&missing, dot_env_path, caller.secrets)) }
}

/// Names every reference without a value at once, so that they need not be mended one by one.
pub(crate) fn without_value(
    missing: &[(String, String)],
    dot_env_path: &Path,
    secrets: Option<&SecretDescriptor>,
) -> SecretError {
    let list = |write: fn(&(String, String)) -> String| missing.iter().map(write).collect::<Vec<_>>().join(", ");
    let (has, path) = (if missing.len() == 1 { "has" } else { "have" }, dot_env_path.display());
    let handed = secrets.map(|secrets| format!(", in {}", secrets.name())).unwrap_or_default();
    let refers = list(|(name, reference)| format!("{name} refers to {reference}"));
    SecretError {
        error: format!(
            "{refers}, which {has} no value in {path}, in $CREDENTIALS_DIRECTORY{handed} nor in the environment"
        ),
        hint: Some(format!("add {} to {path} (mode 600)", list(|(_, reference)| format!("{reference}=…")))),
    }
}

/// A leading `~` stands for the home directory, as the older tools have it.
fn expand_home(text: String, caller: &[(OsString, OsString)]) -> OsString {
    match (text.strip_prefix('~'), lookup(caller, "HOME")) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            let mut expanded = home.to_owned();
            expanded.push(rest);
            expanded
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn environment(config: &str, dot_env: &str, caller: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        std::fs::write(&path, dot_env).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = NodeConfig::parse(config, "config.json").unwrap();
        let caller: Vec<_> = caller.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let text = |text: OsString| text.into_string().unwrap();
        node_environment(&config, &path, &caller)
            .map(|pairs| pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect())
            .map_err(|error| format!("{error} hint: {}", error.hint.clone().unwrap_or_default()))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const REFERS: &str = r#"{"env":{"KEY":{"_envRef":"KEY_N_1"}}}"#;

    #[test]
    fn the_file_wins_over_the_caller_and_an_empty_value_counts_as_none() {
        assert_eq!(environment(REFERS, "KEY_N_1=file", &[("KEY_N_1", "caller")]), Ok(pairs(&[("KEY", "file")])));
        assert_eq!(environment(REFERS, "KEY_N_1=", &[("KEY_N_1", "caller")]), Ok(pairs(&[("KEY", "caller")])));
    }

    #[test]
    fn a_credential_of_the_service_manager_stands_between_the_file_and_the_caller() {
        let credentials = tempfile::tempdir().unwrap();
        let path = credentials.path().join("KEY_N_1");
        std::fs::write(&path, "credential\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        let directory = ("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap());
        let caller = [("KEY_N_1", "caller"), directory];
        assert_eq!(environment(REFERS, "KEY_N_1=file", &caller), Ok(pairs(&[("KEY", "file")])));
        assert_eq!(environment(REFERS, "KEY_N_1=", &caller), Ok(pairs(&[("KEY", "credential")])));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o404)).unwrap();
        // One that cannot be used is told, and not passed over.
        let error = environment(REFERS, "", &caller).unwrap_err();
        assert!(error.contains("KEY_N_1 is open to other users"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(environment(REFERS, "", &caller), Ok(pairs(&[("KEY", "caller")])));
    }

    #[test]
    fn a_reference_without_a_value_names_the_variable_and_the_remedy() {
        for caller in [&[][..], &[("KEY_N_1", "")]] {
            let error = environment(REFERS, "OTHER=1", caller).unwrap_err();
            assert!(error.contains("KEY refers to KEY_N_1") && error.contains("hint: add KEY_N_1=… to /"), "{error}");
        }
    }

    #[test]
    fn all_references_without_a_value_are_named_at_once() {
        let config = r#"{"env":{"A":{"_envRef":"A_N_1"},"B":{"_envRef":"B_N_1"},"C":{"_envRef":"C_N_1"}}}"#;
        let error = environment(config, "B_N_1=1", &[]).unwrap_err();
        assert!(error.contains("A refers to A_N_1, C refers to C_N_1, which have no value in /"), "{error}");
        assert!(error.contains("hint: add A_N_1=…, C_N_1=… to /"), "{error}");
    }

    #[test]
    fn nothing_but_the_allow_list_and_the_configuration_gets_in() {
        let config = r#"{"env":{"MODEL":"m","PATH":"/own","DATA":"~/data","TILDE":"~x"}}"#;
        let caller = [("HOME", "/home/ada"), ("PATH", "/bin"), ("COMMHUB_TOKEN", "utok_secret"), ("AWS_SECRET", "x")];
        let expected =
            [("HOME", "/home/ada"), ("MODEL", "m"), ("PATH", "/own"), ("DATA", "/home/ada/data"), ("TILDE", "~x")];
        assert_eq!(environment(config, "UNUSED=1", &caller), Ok(pairs(&expected)));
    }
}
