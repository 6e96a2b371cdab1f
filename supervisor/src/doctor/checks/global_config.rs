use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::{Facts, JsonFile};
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "global_config",
    title: "settings",
    finds: "`~/.anet/config.json` is missing, broken (named with line and column), a link or somebody else's, or names no hub",
    why: "without a hub's address no command knows whom to talk to",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let path = facts.patient.home.join("config.json");
    match &facts.global {
        JsonFile::Broken(problem) => {
            findings.error(&*path, problem.seen.clone()).command(problem.command.clone());
        }
        JsonFile::Absent | JsonFile::Object(_) => match (facts.global.text("hub"), &facts.patient.hub) {
            (Some(hub), _) => findings.ok((), format!("the hub is {hub}")),
            (None, _) if facts.hub.as_ref().is_some_and(|hub| hub.healthy().is_some()) => {
                findings.fact((), "no hub is named; the one at the default address answers");
            }
            (None, _) => {
                findings.error((), "no hub is named").command("anet init");
            }
        },
    }
}
