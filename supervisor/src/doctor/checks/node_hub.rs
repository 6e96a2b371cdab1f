use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::NodeToken;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::edit;
use crate::doctor::repair::{ConfigEdit, Repair};
use crate::token_repair::Probe;

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
            NodeToken::Probed { probe: Probe::Unreachable { reason, .. }, .. } => {
                let finding = findings.warning(&*node.name, format!("its own hub does not answer: {reason}"));
                if node.is_known_elsewhere {
                    let edit = ConfigEdit::Remove("hub");
                    finding.repair(Repair::Config { directory: node.directory.clone(), edit });
                } else {
                    finding.command(edit(&node.directory.join("config.json")));
                }
            }
            NodeToken::Probed { .. } => findings.fact(&*node.name, format!("it has a hub of its own: {own}")),
            NodeToken::Unknown | NodeToken::Untried(_) => {}
        }
    }
}
