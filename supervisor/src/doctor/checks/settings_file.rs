use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::{self, OwnFile};
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

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let path = settings_file(&facts.patient.home);
    match own_file::read(&path) {
        OwnFile::Absent => {}
        OwnFile::Refused(problem) => {
            findings.error(&*path, problem.seen).command(problem.command);
        }
        OwnFile::Text(text) => match Options::parse(&text, &path, &Policies::default()) {
            Ok(_) => findings.ok(&*path, "understood"),
            Err(error) => {
                findings.error(&*path, error.to_string()).command(format!("edit {}", path.display()));
            }
        },
    }
}
