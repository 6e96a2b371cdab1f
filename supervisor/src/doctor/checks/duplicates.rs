use std::collections::BTreeMap;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::NodeFacts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;

pub(super) const CHECK: Check = Check {
    id: "duplicates",
    title: "identities",
    finds: "two nodes have one identity, as a copied directory has, or one token; two projects have a node of one name in one network",
    why: "the hub takes them for one: each task would be done by whichever is faster, or one is thrown out by the other",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.nodes.len() < 2 {
        return;
    }
    for (id, nodes) in grouped(&facts.nodes, NodeFacts::node_id) {
        let seen = format!("the identity {id} is in {}", list(&nodes));
        let command = format!("rm -r {}", shell_word(&nodes[nodes.len() - 1].directory));
        findings.error(&*nodes[0].name, seen).command(format!("{command} # or whichever is the copy"));
    }
    let by_name = |node: &NodeFacts| {
        let config = node.config().filter(|_| !node.is_program)?;
        let name = config.alias().unwrap_or(&node.name).to_owned();
        Some((name, config.network_id().unwrap_or_default().to_owned()))
    };
    for ((name, _), nodes) in grouped(&facts.nodes, by_name) {
        let ids: std::collections::BTreeSet<_> = nodes.iter().filter_map(|node| node.node_id()).collect();
        if ids.len() < 2 {
            // One identity was told already.
            continue;
        }
        let seen = format!("several nodes of one network have this name: {}", list(&nodes));
        findings.error(&*name, seen).command(format!("anet node rename {name} NEW"));
    }
    if findings.is_empty() {
        findings.ok((), format!("{} nodes, all different", facts.nodes.len()));
    }
}

/// Those that share a key with another one.
fn grouped<K: Ord>(nodes: &[NodeFacts], key: impl Fn(&NodeFacts) -> Option<K>) -> BTreeMap<K, Vec<&NodeFacts>> {
    let mut groups: BTreeMap<K, Vec<&NodeFacts>> = BTreeMap::new();
    for node in nodes {
        if let Some(key) = key(node) {
            groups.entry(key).or_default().push(node);
        }
    }
    groups.retain(|_, nodes| nodes.len() > 1);
    groups
}

fn list(nodes: &[&NodeFacts]) -> String {
    nodes.iter().map(|node| node.directory.display().to_string()).collect::<Vec<_>>().join(" and ")
}
