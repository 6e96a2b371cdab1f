use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "containment",
    title: "containment",
    finds: "by which means a stop reaches every process of a node, and what escapes it",
    why: "a process that escapes goes on working after its node was stopped",
    worst: Severity::Fact,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.supervisor().is_none() {
        return;
    }
    findings.fact((), means(cfg!(target_os = "linux")));
}

/// What holds the processes of a node together (R17, R19, R23).
fn means(is_linux: bool) -> &'static str {
    if is_linux {
        "the mark in the environment, the session and descent; what clears its environment, takes a session of its own \
         and loses its parent escapes. Signals go through pidfds"
    } else {
        "session and descent alone: a daemonised helper can escape a stop, and a signal can reach a stranger whose \
         process id was passed on in that instant"
    }
}
