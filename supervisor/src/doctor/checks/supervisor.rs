use anet_protocol::control::Desired;

use super::settings_file;
use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::{Facts, StateFile};
use crate::doctor::finding::Severity;
use crate::doctor::patient::SupervisorSight;
use crate::doctor::repair::Repair;

pub(super) const CHECK: Check = Check {
    id: "supervisor",
    title: "supervisor",
    finds: "the supervisor does not run although something should be kept running, is of another version, or runs from a \
            program file that was replaced; its state file is broken",
    why: "nobody restarts what dies, renews a refused token or tells the states of the nodes",
    worst: Severity::Error,
    mends: Some("starts it; what still runs is taken over, not started twice"),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    if let StateFile::Broken(problem) = &facts.state {
        findings.error(&*facts.paths.state, problem.clone()).command("anet supervisor start");
    }
    match &facts.patient.supervisor {
        SupervisorSight::Strange(problem) => {
            findings.error((), problem.clone()).command("anet supervisor status");
        }
        SupervisorSight::NotRunning => {
            let wanted = wanted(facts);
            if wanted.is_empty() {
                findings.fact((), "it does not run, and nothing is wanted of it");
            } else {
                let seen = format!("it does not run, and should keep running: {}", wanted.join(", "));
                if let Some(problem) = settings_file::fault(facts) {
                    // It would refuse to start; what is wrong is told by the check of the settings.
                    let seen = format!("{seen}; its settings have a fault");
                    findings.error((), seen).command(format!("{} && anet supervisor start", problem.command));
                } else {
                    let finding = findings.error((), seen);
                    finding.command("anet supervisor start").repair(Repair::StartSupervisor);
                }
            }
        }
        SupervisorSight::Running(status) => {
            let ours = &facts.patient.version;
            if status.version != *ours {
                let seen = format!("it has version {}, this program {ours}", status.version);
                findings.warning((), seen).command("anet supervisor upgrade");
            } else if !status.executable_is_current {
                let seen =
                    format!("its program {} was moved or replaced since it started", status.executable.display());
                findings.warning((), seen).command("anet supervisor upgrade");
            } else {
                findings.ok((), format!("pid {}, version {ours}, since {} UTC", status.pid, status.since));
            }
            let operators = status.operators.as_ref();
            if let Some((group, problem)) = operators.and_then(|found| Some((&found.group, found.problem.as_ref()?))) {
                let finding = findings.warning("operators", format!("group {group} is not served: {problem}"));
                finding
                    .command(crate::doctor::own_file::edit(&crate::settings_file::settings_file(&facts.patient.home)));
            }
        }
    }
}

/// What should be running.
fn wanted(facts: &Facts<'_>) -> Vec<String> {
    let Some(state) = facts.state.state() else { return Vec::new() };
    let hub = state.hub.iter().filter(|hub| hub.desired == Desired::Running).map(|_| "hub".to_owned());
    let nodes = state.nodes.iter().filter(|node| node.desired == Desired::Running).map(|node| node.name.clone());
    hub.chain(nodes).collect()
}
