use anet_protocol::node_config::EnvValue;
use anet_protocol::secret::is_secret;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "plain_secrets",
    title: "secrets in the open",
    finds: "`config.json` holds a vendor's key itself instead of a reference to the node's `.env`",
    why: "the file is copied, shown and shared more readily than `.env`",
    worst: Severity::Warning,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in facts.nodes.iter().filter(|node| !node.is_program) {
        let Some(config) = node.config() else { continue };
        let names: Vec<_> = config
            .env()
            .into_iter()
            .filter(|(key, value)| matches!(value, EnvValue::Plain(text) if is_secret(key, text)))
            .map(|(key, _)| key)
            .collect();
        if !names.is_empty() {
            let finding = findings.warning(&*node.name, format!("in its `env`: {}", names.join(", ")));
            finding.command(format!("anet node migrate-token-to-envref {}", node.name));
        }
    }
}
