use anet_protocol::node_config::derive_node_id;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::repair::{ConfigEdit, Repair};

pub(super) const CHECK: Check = Check {
    id: "node_id",
    title: "identity",
    finds: "`config.json` has no `node_id`",
    why: "the identity is then derived from the directory's name, and another one after a rename",
    worst: Severity::Warning,
    mends: Some("writes down the derived identity, which the node has anyway"),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in facts.nodes.iter().filter(|node| !node.is_program) {
        if node.config().is_some_and(|config| config.node_id().is_none()) {
            let id = derive_node_id(&node.name);
            let finding = findings.warning(&*node.name, format!("no identity is written down; {id} is derived"));
            finding.repair(Repair::Config { directory: node.directory.clone(), edit: ConfigEdit::NodeId(id) });
        }
    }
}
