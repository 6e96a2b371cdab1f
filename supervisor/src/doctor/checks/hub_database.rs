use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::patient::StoreSight;

pub(super) const CHECK: Check = Check {
    id: "hub_database",
    title: "database of the hub",
    finds: "on the hub's host: the database cannot be read, SQLite finds it damaged, or rows refer to rows that are gone",
    why: "tasks and accounts live in it; a damaged database loses more the longer it is written to",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let path = facts.patient.database.as_path();
    match &facts.patient.store {
        StoreSight::Absent => {}
        StoreSight::Unreadable(reason) => {
            findings.error(path, format!("it cannot be read: {reason}")).command("anet hub stop");
        }
        StoreSight::Unfinished(seconds) => {
            findings.fact(path, format!("too large to be gone through in {seconds} s; `sqlite3` can do it at leisure"));
        }
        StoreSight::Read { damages, .. } if damages.is_empty() => findings.ok(path, "whole"),
        StoreSight::Read { damages, .. } => {
            let seen = format!("{} problems, the first: {}", damages.len(), damages[0]);
            findings.error(path, seen).command("anet hub stop");
        }
    }
}
