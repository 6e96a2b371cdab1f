use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::{self, OwnFile};
use crate::doctor::repair::Repair;

/// What of `.anet` must not get into git: tokens, logs, and, where the project is a home directory, the logins too.
pub(in crate::doctor) const NOT_FOR_GIT: [&str; 6] =
    ["nodes/", ".env*", "config.json*", "server/", "supervisor/", "run/"];

pub(super) const CHECK: Check = Check {
    id: "git",
    title: "kept out of git",
    finds: "`.anet/.gitignore` of a project lacks a line that keeps tokens and keys out of the repository",
    why: "a token that was once pushed is everybody's",
    worst: Severity::Warning,
    mends: Some("adds the lines that are missing"),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for project in facts.projects() {
        let path = project.join(".anet/.gitignore");
        let text = match own_file::read(&path) {
            OwnFile::Absent => String::new(),
            OwnFile::Text(text) => text,
            OwnFile::Refused(problem) => {
                findings.warning(&*path, problem.seen).command(problem.command);
                continue;
            }
        };
        let missing = missing(&text);
        // A project that is gone has nothing to keep out.
        if missing.is_empty() || !project.join(".anet").is_dir() {
            continue;
        }
        findings
            .warning(&*path, format!("missing: {}", missing.join(" ")))
            .repair(Repair::Ignore { path: path.clone() });
    }
}

/// The lines that are not there.
pub(in crate::doctor) fn missing(text: &str) -> Vec<&'static str> {
    let is_listed = |pattern: &str| text.lines().any(|line| line.trim() == pattern);
    NOT_FOR_GIT.into_iter().filter(|pattern| !is_listed(pattern)).collect()
}
