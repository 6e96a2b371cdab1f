use anet_protocol::control::Containment;

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
    if let Some(status) = facts.supervisor() {
        findings.fact((), means(status.containment, cfg!(target_os = "linux")));
    }
}

/// What holds the processes of a node together (R17, R19, R23).
const fn means(containment: Containment, is_linux: bool) -> &'static str {
    match containment {
        _ if !is_linux => {
            "session and descent alone: weaker than on Linux. A daemonised helper can escape a stop, and a signal can reach a \
             stranger whose process id was passed on in that instant"
        }
        Containment::Cgroup => "a control group for each start, which nothing can leave; signals go through pidfds",
        Containment::Subreaper => {
            "the mark in the environment and in the limits, session and descent; orphans become children of the supervisor. \
             Signals go through pidfds"
        }
        Containment::Mark => {
            "the mark in the environment and in the limits, session and descent; orphans go to the system's first process. \
             Signals go through pidfds"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_stop_reaches_less_far_it_is_said() {
        assert!(means(Containment::Mark, false).contains("weaker than on Linux"));
        assert!(!means(Containment::Cgroup, true).contains("weaker"));
    }
}
