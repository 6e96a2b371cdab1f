use anet_protocol::control::{Desired, NodeView, ProcessState, TokenState};
use anet_protocol::notification::Link;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "process",
    title: "node",
    finds: "a node that should run does not, was given up, fails again and again, has no link to the hub, or runs another version than is installed",
    why: "its tasks wait",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let is_hub_well = facts.hub.as_ref().is_some_and(|hub| hub.healthy().is_some());
    for node in &facts.nodes {
        match &node.view {
            Some(view) => judge(view, &facts.patient.version, is_hub_well, findings),
            None if facts.supervisor().is_some() => findings.fact(&*node.name, "never started"),
            None => {
                let wanted = if node.desired == Some(Desired::Running) { "it should run; " } else { "" };
                findings.fact(&*node.name, format!("{wanted}without a supervisor nobody knows its state"));
            }
        }
    }
}

/// Its token is refused: what is being done about it, and what a person has to do.
fn unauthorized(view: &NodeView, pid: u32, findings: &mut Findings) {
    let name = view.name.as_str();
    match view.token.as_ref().map(|token| &token.value) {
        Some(TokenState::AuthBlocked { reason, hint }) => {
            let seen =
                format!("running (pid {pid}), and waits for a login: its token cannot be renewed, because {reason}");
            findings.error(name, seen).command(hint.clone());
        }
        Some(TokenState::NeedsAttention { reason, hint }) => {
            let seen = format!("running (pid {pid}), and the hub refuses its token, which cannot be renewed: {reason}");
            findings.error(name, seen).command(hint.clone());
        }
        Some(TokenState::Waiting { reason, until }) => {
            let seen =
                format!("running (pid {pid}), and its token is not renewed yet: {reason}; next try at {until} UTC");
            findings.warning(name, seen).command("anet doctor --fix");
        }
        Some(TokenState::Repairing) => {
            findings.fact(name, format!("running (pid {pid}), and its refused token is being renewed"));
        }
        None => {
            let seen = format!("running (pid {pid}), and the hub refuses its token");
            findings.warning(name, seen).command("anet doctor --fix");
        }
    }
}

fn judge(view: &NodeView, ours: &str, is_hub_well: bool, findings: &mut Findings) {
    let name = view.name.as_str();
    let id = view.node_id.as_deref().unwrap_or("-");
    let runtime = view.runtime.as_deref().unwrap_or("-");
    match &view.process {
        ProcessState::NeedsAttention { reason, last_exit, .. } => {
            let command = last_exit.hint.clone().unwrap_or_else(|| format!("anet node logs {name}"));
            findings.error(name, reason.clone()).command(command);
        }
        ProcessState::Backoff { until, attempt, .. } => {
            let seen = format!("{attempt} failures in a row; the next start is at {until} UTC");
            findings.error(name, seen).command(format!("anet node logs {name}"));
        }
        ProcessState::Running { pid, .. } if view.version.as_ref().is_some_and(|version| version != ours) => {
            let theirs = view.version.as_deref().unwrap_or_default();
            let seen = format!("running (pid {pid}) with version {theirs}, installed is {ours}");
            findings.warning(name, seen).command("anet node restart --all --rolling");
        }
        ProcessState::Running { pid, since, .. } => match &view.link {
            Some(link) if link.value == Link::Unauthorized => unauthorized(view, *pid, findings),
            Some(link) if link.value == Link::Reconnecting => {
                findings.fact(name, format!("running (pid {pid}), and its link to the hub is being made anew"));
            }
            Some(link) if link.value != Link::Connected => {
                let seen = format!("running (pid {pid}), and its link to the hub is {}", link.value.as_str());
                // Where nobody answers there is one cause for all nodes, told by the check of the hub.
                let command = if is_hub_well { format!("anet node logs {name}") } else { "anet hub status".to_owned() };
                findings.warning(name, seen).command(command);
            }
            _ => findings.ok(name, format!("running since {since} UTC (pid {pid}, {runtime}, {id})")),
        },
        ProcessState::Stopped { .. } if view.desired == Desired::Running => {
            findings.error(name, "it should run, and does not").command(format!("anet node start {name}"));
        }
        process => findings.fact(name, format!("{} ({runtime}, {id})", process.word())),
    }
}
