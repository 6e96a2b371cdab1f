use anet_protocol::node_config::derive_node_id;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::{NodeFacts, NodeToken};
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::doctor::repair::{ConfigEdit, Repair};
use crate::token_repair::Probe;

pub(super) const CHECK: Check = Check {
    id: "node_id",
    title: "identity",
    finds: "`config.json` has no `node_id`",
    why: "the identity is then derived from the directory's name: another one after a rename, and perhaps not the one that the hub knows",
    worst: Severity::Warning,
    mends: Some(
        "writes down the identity to which the hub binds the node's token, or the derived one where the hub refuses the token; \
         not while the hub cannot be asked, nor where another node here has it",
    ),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in facts.nodes.iter().filter(|node| !node.is_program) {
        if node.config().is_none_or(|config| config.node_id().is_some()) {
            continue;
        }
        let name = node.name.as_str();
        let Some((id, source)) = identity(node) else {
            let seen = "no identity is written down, and its hub cannot be asked whose its token is";
            findings.warning(name, seen).command("anet hub status");
            continue;
        };
        let has_it = |other: &&NodeFacts| other.directory != node.directory && other.node_id().as_deref() == Some(&*id);
        if let Some(other) = facts.nodes.iter().find(has_it) {
            let seen = format!("no identity is written down, and its token is of {}", other.directory.display());
            findings
                .warning(name, seen)
                .command(format!("anet node delete {name} --project {} # if it is a copy", shell_word(&node.project)));
            continue;
        }
        let finding = findings.warning(name, format!("no identity is written down; {id} is {source}"));
        finding.repair(Repair::Config { directory: node.directory.clone(), edit: ConfigEdit::NodeId(id) });
    }
}

/// Who the node is, and where that is from; nothing while the hub could say it and does not.
fn identity(node: &NodeFacts) -> Option<(String, &'static str)> {
    match &node.token {
        NodeToken::Probed { probe: Probe::Foreign { node_id: Some(id), .. }, .. } => {
            Some((id.as_str().to_owned(), "the one of its token"))
        }
        NodeToken::Unknown | NodeToken::Untried(_) | NodeToken::Probed { probe: Probe::Unreachable { .. }, .. } => None,
        NodeToken::Probed { .. } => Some((derive_node_id(&node.name), "derived")),
    }
}
