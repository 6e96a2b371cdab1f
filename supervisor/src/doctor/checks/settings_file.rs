use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::{self, FileProblem, OwnFile};
use crate::policy::Policies;
use crate::settings_file::{Options, settings_file};

pub(super) const CHECK: Check = Check {
    id: "settings_file",
    title: "settings of the supervisor",
    finds: "`~/.anet/supervisor.toml` is broken (named with line and column), has an unknown key, is a link or somebody else's",
    why: "the next supervisor does not start with it; the one that runs keeps what it had",
    worst: Severity::Error,
    mends: None,
    look,
};

/// Why the file as it is now would not be taken; nothing where it would, and where there is none.
pub(super) fn fault(facts: &Facts<'_>) -> Option<FileProblem> {
    let path = settings_file(&facts.patient.home);
    match own_file::read(&path) {
        OwnFile::Absent => None,
        OwnFile::Refused(problem) => Some(problem),
        OwnFile::Text(text) => {
            let error = Options::parse(&text, &path, &Policies::default()).err()?;
            Some(FileProblem { seen: error.to_string(), command: own_file::edit(&path) })
        }
    }
}

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let path = settings_file(&facts.patient.home);
    if let Some(problem) = fault(facts) {
        let then = if facts.supervisor().is_some() { "anet apply" } else { "anet supervisor start" };
        findings.error(&*path, problem.seen).command(format!("{} && {then}", problem.command));
    } else if path.exists() {
        findings.ok(&*path, "understood");
    }
}
