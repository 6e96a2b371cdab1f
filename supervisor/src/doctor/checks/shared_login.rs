use anet_protocol::node_config::{EnvValue, Runtime};

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::NodeFacts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "shared_login",
    title: "login of codex",
    finds: "two nodes of the codex runtime share one login of ChatGPT",
    why: "its renewal works once: the node that renews second logs both out",
    worst: Severity::Warning,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let codex: Vec<_> = facts.nodes.iter().filter(|node| uses_chatgpt(node)).collect();
    for (at, node) in codex.iter().enumerate() {
        let same = codex[..at].iter().find(|other| home(other) == home(node));
        if let Some(other) = same {
            let finding = findings.warning(&*node.name, format!("it shares its login with {}", other.name));
            finding.command(format!(
                "give it a CODEX_HOME of its own in {}",
                node.directory.join("config.json").display()
            ));
        }
    }
}

fn uses_chatgpt(node: &NodeFacts) -> bool {
    node.config().is_some_and(|config| {
        let has_key = config.env().iter().any(|(key, _)| key == "OPENAI_API_KEY");
        config.runtime() == Some(Runtime::CodexSdk) && !has_key
    })
}

/// Where its login is; `None` is the person's own directory.
fn home(node: &NodeFacts) -> Option<String> {
    node.config()?.env().into_iter().find_map(|(key, value)| match value {
        EnvValue::Plain(path) if key == "CODEX_HOME" && !path.is_empty() => Some(path),
        EnvValue::Plain(_) | EnvValue::Reference(_) => None,
    })
}
