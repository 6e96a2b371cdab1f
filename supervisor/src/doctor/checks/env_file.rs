use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::launch::node_environment::node_environment;

pub(super) const CHECK: Check = Check {
    id: "env_file",
    title: "`.env`",
    finds: "a node's `.env` is open to others, a link, a pipe, somebody else's, too large or not understood (named with the line); \
            a reference of `config.json` has no value in it",
    why: "the node is not started with it: a secret that others can read or write is none",
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
        match node_environment(config, &path, &facts.patient.environment) {
            Ok(_) => used += usize::from(path.exists()),
            Err(error) => {
                let refusal = error.refusal();
                let hint = refusal.0.hint.unwrap_or_else(|| format!("ls -l {}", path.display()));
                findings.error(&*node.name, refusal.0.error).command(hint);
            }
        }
    }
    if findings.is_empty() && used > 0 {
        findings.ok((), format!("{used} files, each usable, and no reference without a value"));
    }
}
