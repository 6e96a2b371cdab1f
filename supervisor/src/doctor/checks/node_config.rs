use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::{NodeFacts, NodeFile};
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;

pub(super) const CHECK: Check = Check {
    id: "node_config",
    title: "configuration",
    finds: "a node's directory or `config.json` is gone, broken (named with line and column), a link, somebody else's or too large",
    why: "the node cannot be started with it",
    worst: Severity::Error,
    mends: None,
    look,
};

/// With its project: in another one the same name is another node.
fn delete(node: &NodeFacts) -> String {
    format!("anet node delete {} --project {} --force", node.name, shell_word(&node.project))
}

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in &facts.nodes {
        let name = node.name.as_str();
        let path = node.directory.join("config.json");
        match &node.config {
            NodeFile::NoDirectory => {
                // Which of the two it was cannot be told any more.
                let place = node.project.join(".anet");
                let seen = format!(
                    "the supervisor knows it, and neither nodes/{name} nor programs/{name} is in {}",
                    place.display()
                );
                findings.error(name, seen).command(delete(node));
            }
            NodeFile::Closed => findings.fact(name, "its files are another user's, and were not looked at"),
            NodeFile::Absent => {
                let finding = findings.error(name, format!("{} is missing", path.display()));
                finding.command(delete(node));
            }
            NodeFile::Broken(problem) => {
                let finding = findings.error(name, format!("{}: {}", path.display(), problem.seen));
                finding.command(problem.command.clone());
            }
            NodeFile::Read { .. } => {}
        }
    }
    if findings.is_empty() && !facts.nodes.is_empty() {
        findings.ok((), "every `config.json` is understood");
    }
}
