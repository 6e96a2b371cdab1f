use std::path::Path;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::{self, FileProblem, OwnFile};
use crate::policy::Policies;
use crate::settings_file::{Options, settings_file};

pub(super) const CHECK: Check = Check {
    id: "settings_file",
    title: "settings of the supervisor",
    finds: "`~/.anet/supervisor.toml` is broken (named with line and column), has an unknown key or names what is no node, is a link or somebody else's",
    why: "the next supervisor does not start with it; the one that runs keeps what it had",
    worst: Severity::Error,
    mends: None,
    look,
};

/// Why the file as it is now would not be taken; nothing where it would, and where there is none.
pub(super) fn fault(facts: &Facts<'_>) -> Option<FileProblem> {
    read(facts).err()
}

/// What the file says, where there is one.
fn read(facts: &Facts<'_>) -> Result<Option<Options>, FileProblem> {
    let path = settings_file(&facts.patient.home);
    match own_file::read(&path) {
        OwnFile::Absent => Ok(None),
        OwnFile::Refused(problem) => Err(problem),
        OwnFile::Text(text) => Options::parse(&text, &path, &Policies::default())
            .map(Some)
            .map_err(|error| FileProblem { seen: error.to_string(), command: own_file::edit(&path) }),
    }
}

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let path = settings_file(&facts.patient.home);
    match read(facts) {
        Ok(None) => {}
        Ok(Some(options)) => {
            let names = options.policies.nodes.keys().map(String::as_str);
            let unknown: Vec<&str> = names.filter(|name| !is_known(facts, name)).collect();
            if unknown.is_empty() {
                findings.ok(&*path, "understood");
            } else {
                let seen = format!("it has settings for what is no node or program: {}", unknown.join(", "));
                let finding = findings.warning(&*path, seen).command(own_file::edit(&path));
                finding.because("they do nothing, and a node that gets such a name later would have them");
            }
        }
        Err(problem) => {
            let then = if facts.supervisor().is_some() { "anet apply" } else { "anet supervisor start" };
            findings.error(&*path, problem.seen).command(format!("{} && {then}", problem.command));
        }
    }
}

/// Of some nodes only those are known, so that nothing can be said of the others; and a program that was never started
/// is known by its directory alone.
fn is_known(facts: &Facts<'_>, name: &str) -> bool {
    let is_program = |project: &Path| project.join(".anet/programs").join(name).is_dir();
    !facts.patient.names.is_empty()
        || facts.nodes.iter().any(|node| node.name == name)
        || facts.patient.directory.ancestors().any(is_program)
        || facts.projects().iter().any(|project| is_program(project))
}
