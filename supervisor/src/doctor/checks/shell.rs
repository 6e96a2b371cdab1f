use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::environment::lookup;

pub(super) const CHECK: Check = Check {
    id: "shell",
    title: "shell",
    finds: "`COMMHUB_URL`, `COMMHUB_TOKEN`, `ANET_NETWORK_ID` or `ANET_HOME` is set in this shell and wins over the settings",
    why: "commands of this shell talk to another hub, network or account than the settings say; nodes never get these",
    worst: Severity::Fact,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let is_set = |name: &&str| lookup(&facts.patient.environment, name).is_some();
    let names = ["COMMHUB_URL", "COMMHUB_TOKEN", "ANET_NETWORK_ID", "ANET_HOME"];
    let set: Vec<_> = names.into_iter().filter(is_set).collect();
    if !set.is_empty() {
        findings.fact((), format!("{} is set here and wins over the settings", set.join(", ")));
    }
}
