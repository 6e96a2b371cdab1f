use std::path::Path;

use anet_protocol::control::{Reference, ValueSource};
use anet_protocol::node_config::{EnvValue, NodeConfig};

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::NodeFacts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::dot_env;
use crate::launch::node_environment::without_value;
use crate::secret_error::SecretError;
use crate::secret_source::references;

pub(super) const CHECK: Check = Check {
    id: "env_file",
    title: "`.env`",
    finds: "a node's `.env` is open to others, a link, a pipe, somebody else's, too large or not understood (named with the line); \
            a reference of `config.json` has no value, or one in the supervisor's environment alone",
    why: "the node is not started with it: a secret that others can read or write is none, and one that was typed is lost at \
          the next restart",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let mut used = 0;
    for node in &facts.nodes {
        let Some(config) = node.config() else { continue };
        let path = node.directory.join(".env");
        let found = match find(facts, node, config, &path) {
            Ok(found) => found,
            Err(error) => {
                let hint = error.hint.unwrap_or_else(|| format!("ls -l {}", shell_word(&path)));
                findings.error(&*node.name, error.error).command(hint);
                continue;
            }
        };
        used += usize::from(!dot_env::read(&path).unwrap_or_default().is_empty());
        let is_passing = |reference: &&Reference| reference.source == Some(ValueSource::Environment);
        let passing: Vec<&str> = found.iter().filter(is_passing).map(|reference| reference.name.as_str()).collect();
        if !passing.is_empty() {
            let seen = format!("only the environment of the supervisor has a value for {}", passing.join(", "));
            let command = format!("anet node env set {} {} --only-env", node.name, passing[0]);
            findings.warning(&*node.name, seen).command(command);
        }
    }
    if findings.is_empty() && used > 0 {
        findings.ok((), format!("{used} files, each usable, and no reference without a value"));
    }
}

/// Where the values stand: by the word of the supervisor, which starts the node with an environment and credentials of
/// its own, else for one that is started from here.
///
/// # Errors
/// When one has no value, or a source cannot be used.
fn find(facts: &Facts<'_>, node: &NodeFacts, config: &NodeConfig, path: &Path) -> Result<Vec<Reference>, SecretError> {
    let of_node =
        facts.patient.references.iter().find(|sight| sight.name == node.name && sight.project == node.project);
    let found = match of_node {
        Some(sight) => sight.answer.clone(),
        None => references(config, path, &facts.patient.environment),
    }?;
    let has_none = |name: &String| found.iter().any(|reference| reference.name == *name && reference.source.is_none());
    let missing = config.env().into_iter().filter_map(|(variable, value)| match value {
        EnvValue::Reference(name) if has_none(&name) => Some((variable, name)),
        EnvValue::Reference(_) | EnvValue::Plain(_) => None,
    });
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() { Ok(found) } else { Err(without_value(&missing, path, None)) }
}
