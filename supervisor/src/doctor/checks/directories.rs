use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "directories",
    title: "working directory",
    finds: "the directory in which a running node works was deleted or replaced",
    why: "its programs fail in ways that do not name the cause, and what they write is lost",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in &facts.nodes {
        let Some(pid) = node.view.as_ref().and_then(|view| view.pid) else { continue };
        let Ok(works_in) = std::fs::read_link(format!("/proc/{pid}/cwd")) else { continue };
        if works_in.to_string_lossy().ends_with(" (deleted)") {
            let seen = format!("it works in {}", works_in.display());
            findings.error(&*node.name, seen).command(format!("anet node restart {}", node.name));
        }
    }
}
