use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::patient::StoreSight;

pub(super) const CHECK: Check = Check {
    id: "audit_log",
    title: "audit log",
    finds: "on the hub's host: a line of the audit log was changed or removed",
    why: "who did what can no longer be told with certainty",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    if let StoreSight::Read { audit, .. } = &facts.patient.store {
        match audit {
            Ok((rows, None)) => findings.ok((), format!("{rows} lines, none changed")),
            Ok((_, Some(problem))) => {
                findings.error((), problem.clone()).command("anet audit verify");
            }
            Err(reason) => findings.fact((), format!("it was not read: {reason}")),
        }
    }
}
