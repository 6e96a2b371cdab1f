use anet_protocol::control::ValueSource;
use anet_protocol::node_config::{EnvValue, NodeConfig};

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::dot_env;
use crate::launch::node_environment::node_environment;
use crate::secret_source::SecretSources;

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
        // The very function that each start goes through.
        if let Err(error) = node_environment(config, &path, &facts.start_environment) {
            let hint = error.hint.unwrap_or_else(|| format!("ls -l {}", shell_word(&path)));
            findings.error(&*node.name, error.error).command(hint);
            continue;
        }
        let in_file = dot_env::read(&path).unwrap_or_default();
        used += usize::from(!in_file.is_empty());
        let sources = SecretSources::read(&path, &facts.start_environment);
        let is_passing = |name: &String| {
            let found = sources.as_ref().ok().and_then(|sources| sources.find(name).ok().flatten());
            found.is_some_and(|(source, _)| source == ValueSource::Environment)
        };
        let passing: Vec<String> = references(config).filter(is_passing).collect();
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

fn references(config: &NodeConfig) -> impl Iterator<Item = String> {
    config.env().into_iter().filter_map(|(_, value)| match value {
        EnvValue::Reference(name) => Some(name),
        EnvValue::Plain(_) => None,
    })
}
