use anet_protocol::control::Desired;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::boot::Unit;
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "boot",
    title: "after a reboot",
    finds: "the systemd unit is missing although something should be running, is not enabled, is of another version, starts \
            a program that is gone, or ends with the login because the user does not linger",
    why: "after a logout or a reboot nothing would come back by itself",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let boot = &facts.boot;
    if !boot.has_systemd {
        findings.fact((), "systemd does not run this machine; have something start `anet supervisor start` at boot");
        return;
    }
    let Some((unit, is_of_user)) = [(&boot.system_unit, false), (&boot.user_unit, true)]
        .into_iter()
        .find_map(|(unit, is_of_user)| Some((unit.as_ref()?, is_of_user)))
    else {
        if is_anything_wanted(facts) {
            findings.warning((), "no systemd unit brings the supervisor back").command("anet service install");
        } else {
            findings.fact((), "no systemd unit is installed, and nothing should be running");
        }
        return;
    };
    for seen in faults(unit, &facts.patient.version) {
        findings.error(&*unit.path, seen).command("anet service install");
    }
    if is_of_user && !boot.lingers {
        let seen = format!("{} does not linger: the user's units end with the last login", boot.user);
        findings.error(&*unit.path, seen).command(format!("loginctl enable-linger {}", boot.user));
    }
    if findings.is_empty() {
        findings.ok(&*unit.path, "enabled, and of this version");
    }
}

fn is_anything_wanted(facts: &Facts<'_>) -> bool {
    facts.state.state().is_some_and(|state| {
        state.nodes.iter().any(|node| node.desired == Desired::Running)
            || state.hub.as_ref().is_some_and(|hub| hub.desired == Desired::Running)
    })
}

/// What is wrong with a unit file.
fn faults(unit: &Unit, version: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !unit.is_enabled {
        faults.push("it is not enabled".to_owned());
    }
    let program = unit.text.lines().find_map(|line| line.strip_prefix("ExecStart=")?.split_ascii_whitespace().next());
    match program.map(|program| program.trim_start_matches(['-', ':', '+', '!', '@', '"']).trim_end_matches('"')) {
        None => faults.push("it starts nothing".to_owned()),
        Some(program) if !std::path::Path::new(program).is_file() => {
            faults.push(format!("it starts {program}, which is not there"));
        }
        Some(_) => {}
    }
    if !unit.text.lines().any(|line| line.starts_with('#') && line.split_ascii_whitespace().any(|word| word == version))
    {
        faults.push(format!("it was written by another version than {version}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_drifted_is_told_by_its_version_its_program_and_its_state() {
        let unit = |text: &str, is_enabled| Unit { path: "/u".into(), text: text.to_owned(), is_enabled };
        assert_eq!(faults(&unit("# anet 1.2.3\nExecStart=/bin/sh supervisor run\n", true), "1.2.3"), [""; 0]);
        let found = faults(&unit("# anet 1.2.2\nExecStart=/nonexistent/anet supervisor run\n", false), "1.2.3");
        let expected = ["not enabled", "/nonexistent/anet, which is not there", "another version than 1.2.3"];
        assert!(found.len() == 3 && found.iter().zip(expected).all(|(seen, part)| seen.contains(part)), "{found:?}");
    }
}
