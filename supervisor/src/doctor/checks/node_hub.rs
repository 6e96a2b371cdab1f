use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::Whoami;
use crate::doctor::facts::node::{NodeFacts, NodeToken};
use crate::doctor::finding::Severity;
use crate::doctor::repair::{ConfigEdit, Repair};

pub(super) const CHECK: Check = Check {
    id: "node_hub",
    title: "hub of a node",
    finds: "`config.json` names another hub than the settings do, and nobody answers there",
    why: "the node waits for a hub that is not there any more; another hub that answers is nobody's business",
    worst: Severity::Warning,
    mends: Some(
        "removes the address, where both are on this machine and the hub of the settings knows the node's token",
    ),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in &facts.nodes {
        let Some(own) = node.config().and_then(|config| config.hub()) else { continue };
        let own = own.trim_end_matches('/');
        if facts.hub.as_ref().is_some_and(|hub| hub.url == own) {
            continue;
        }
        match &node.token {
            NodeToken::Tried { answer: Whoami::Unclear(reason), .. } => {
                let seen = format!("its own hub {own} does not answer: {reason}");
                let finding = findings.warning(&*node.name, seen);
                if is_known_here(node) {
                    let edit = ConfigEdit::Remove("hub");
                    finding.repair(Repair::Config { directory: node.directory.clone(), edit });
                } else {
                    finding.command(format!("edit {}", node.directory.join("config.json").display()));
                }
            }
            NodeToken::Tried { .. } => findings.fact(&*node.name, format!("it has a hub of its own: {own}")),
            _ => {}
        }
    }
}

/// Whether the hub of the settings, asked as well because both are on this machine, knows the token as this node's.
fn is_known_here(node: &NodeFacts) -> bool {
    matches!(&node.elsewhere, Some(Whoami::Known(me))
        if me.credential.node_id.as_ref().map(|id| id.as_str().to_owned()) == node.node_id())
}
