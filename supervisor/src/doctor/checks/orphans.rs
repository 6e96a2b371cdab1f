use std::collections::HashSet;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::{Facts, StateFile};
use crate::doctor::finding::Severity;
use crate::doctor::patient::SupervisorSight;
use crate::doctor::repair::Repair;
use crate::system::process_entry::{ProcessEntry, home_of, real_uid};

pub(super) const CHECK: Check = Check {
    id: "orphans",
    title: "orphans",
    finds: "a process of this user carries the mark of a start of this home that no record knows",
    why: "it works on, unseen and unstoppable, beside what was started since",
    worst: Severity::Warning,
    mends: Some(
        "starts the supervisor where none runs, so that it can take over what it recognises; ends what is left, through a handle that no \
         recycled process id can turn onto another process",
    ),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let processes = match &facts.processes {
        Ok(processes) => processes,
        Err(error) => {
            findings.fact((), format!("the process table cannot be read: {error}"));
            return;
        }
    };
    // Without knowing every record, nobody is an orphan; the next supervisor looks whose they are.
    let state = match (&facts.state, &facts.patient.supervisor) {
        (StateFile::Read(state), _) => Some(state),
        (StateFile::Absent | StateFile::Broken(_), SupervisorSight::NotRunning) => None,
        (StateFile::Absent | StateFile::Broken(_), _) => return,
    };
    let records = state.iter().flat_map(|state| {
        let nodes = state.nodes.iter().filter_map(|node| node.process.as_ref());
        nodes.chain(state.hub.iter().filter_map(|hub| hub.process.as_ref()))
    });
    let known: HashSet<&str> = records.map(|record| record.instance.as_str()).collect();
    let mut found = false;
    for process in orphans(processes, &known, std::process::id()) {
        // Another home has a supervisor and records of its own.
        if real_uid(process.pid) != Some(nix::unistd::getuid().as_raw()) || !is_of(process, facts) {
            continue;
        }
        found = true;
        let subject = process.describe();
        let finding = findings.warning(&*subject, "it is left over from a start that nobody remembers");
        let (pid, start_time) = (process.pid, process.start_time);
        finding.repair(match facts.patient.supervisor {
            SupervisorSight::NotRunning => Repair::StartSupervisor,
            SupervisorSight::Strange(_) | SupervisorSight::Running(_) => {
                Repair::EndProcess { pid, start_time, name: process.name.clone() }
            }
        });
    }
    if !found {
        findings.ok((), "no process is left over from an earlier start");
    }
}

fn is_of(process: &ProcessEntry, facts: &Facts<'_>) -> bool {
    home_of(process.pid).is_some_and(|home| home == facts.patient.home)
}

/// The processes that carry an unknown mark; this one and those it descends from are none, because the doctor may have
/// been called from inside one.
fn orphans<'table>(processes: &'table [ProcessEntry], known: &HashSet<&str>, me: u32) -> Vec<&'table ProcessEntry> {
    let mut line = HashSet::from([me]);
    let mut next = me;
    while let Some(entry) = processes.iter().find(|entry| entry.pid == next) {
        if !line.insert(entry.parent) {
            break;
        }
        next = entry.parent;
    }
    let is_unknown = |entry: &&ProcessEntry| {
        entry.instance.as_deref().is_some_and(|instance| !known.contains(instance))
            && !entry.is_dead
            && !line.contains(&entry.pid)
    };
    processes.iter().filter(is_unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_living_strangers_with_an_unknown_mark_are_orphans() {
        let entry = |pid, parent, instance: Option<&str>, is_dead| ProcessEntry {
            pid,
            parent,
            session: pid,
            start_time: 1,
            is_dead,
            name: "p".to_owned(),
            mark: None,
            environment: None,
            instance: instance.map(str::to_owned),
        };
        let table = [
            entry(10, 1, Some("i_known"), false),
            entry(11, 1, Some("i_lost"), false),
            entry(12, 1, Some("i_lost"), true),
            entry(13, 1, None, false),
            entry(14, 1, Some("i_mine"), false),
            entry(15, 14, Some("i_mine"), false),
        ];
        let found: Vec<_> = orphans(&table, &HashSet::from(["i_known"]), 15).iter().map(|entry| entry.pid).collect();
        assert_eq!(found, [11]);
    }
}
