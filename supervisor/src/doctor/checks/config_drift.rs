use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "config_drift",
    title: "changes since the start",
    finds: "a node or the hub runs with another configuration than it would be started with now, or the settings file says \
            something else than what is in force",
    why: "it works on as before, and would work otherwise after the next restart",
    worst: Severity::Warning,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(plan) = &facts.patient.plan else { return };
    if plan.settings_changed {
        findings.warning((), "`supervisor.toml` was changed and is not in force").command("anet apply");
    }
    let is_asked = |name: &String| facts.patient.names.is_empty() || facts.patient.names.contains(name);
    for restart in plan.restarts.iter().filter(|restart| is_asked(&restart.name)) {
        let seen = format!("changed since it was started: {}", restart.reasons.join(", "));
        findings.warning(&*restart.name, seen).command("anet apply");
    }
    if findings.is_empty() {
        findings.ok((), "everything runs as it would be started now");
    }
}
