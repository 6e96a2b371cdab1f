use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "nodes",
    title: "nodes",
    finds: "no node is configured",
    why: "without a node no task is done; a node belongs to the directory in which it was created",
    worst: Severity::Warning,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.nodes.is_empty() {
        let seen = format!(
            "there is none in {} or above it, and the supervisor knows none",
            facts.patient.directory.display()
        );
        findings.warning((), seen).command("anet node create NAME -- PROGRAM");
        return;
    }
    let here = |project: &std::path::Path| facts.patient.directory.starts_with(project);
    let elsewhere = facts.nodes.iter().filter(|node| !here(&node.project)).count();
    let count = facts.nodes.len();
    if elsewhere == 0 {
        findings.ok((), format!("{count} configured"));
    } else {
        let projects = facts.projects();
        let projects: Vec<_> =
            projects.iter().filter(|project| !here(project)).map(|project| project.display().to_string()).collect();
        findings.ok((), format!("{count} configured, {elsewhere} of them in other projects: {}", projects.join(", ")));
    }
}
