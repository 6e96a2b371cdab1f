//! One kind of question that the doctor asks.

use serde::Serialize;

use super::facts::Facts;
use super::finding::{Finding, Severity};

/// A row of the table of checks. The page of documentation is made from it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Check {
    /// The stable word for programs.
    pub id: &'static str,
    /// What is looked at, for people.
    pub title: &'static str,
    /// What is found wrong.
    pub finds: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// The most severe finding.
    pub worst: Severity,
    /// What `--fix` does; absent where it does nothing.
    pub mends: Option<&'static str>,
    #[serde(skip)]
    pub(super) look: fn(&Facts<'_>, &mut Findings),
}

impl Check {
    pub(super) fn findings(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let mut findings = Findings::new(*self);
        (self.look)(facts, &mut findings);
        findings.into_vec()
    }
}

/// What a check has found so far.
#[derive(Debug)]
pub(super) struct Findings {
    check: Check,
    found: Vec<Finding>,
}

impl Findings {
    pub(super) const fn new(check: Check) -> Self {
        Self { check, found: Vec::new() }
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.found
    }

    /// All is well.
    pub(super) fn ok(&mut self, subject: impl Into<Subject>, seen: impl Into<String>) {
        self.add(Severity::Ok, subject, seen);
    }

    /// Something to know, neither good nor bad.
    pub(super) fn fact(&mut self, subject: impl Into<Subject>, seen: impl Into<String>) {
        self.add(Severity::Fact, subject, seen);
    }

    /// Something that works and should be otherwise.
    pub(super) fn warning(&mut self, subject: impl Into<Subject>, seen: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, subject, seen)
    }

    /// Something that does not work.
    pub(super) fn error(&mut self, subject: impl Into<Subject>, seen: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, subject, seen)
    }

    /// Whether nothing has been said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    fn add(&mut self, severity: Severity, subject: impl Into<Subject>, seen: impl Into<String>) -> &mut Finding {
        let is_bad = severity >= Severity::Warning;
        let finding = Finding {
            check: self.check.id,
            title: self.check.title,
            severity,
            subject: subject.into().0,
            seen: seen.into(),
            why: is_bad.then_some(self.check.why),
            command: None,
            repair: None,
        };
        let index = self.found.len();
        self.found.push(finding);
        &mut self.found[index]
    }
}

/// What a finding is about: a node or a file; nothing where the check says it.
pub(super) struct Subject(Option<String>);

impl From<()> for Subject {
    fn from((): ()) -> Self {
        Self(None)
    }
}

impl From<&str> for Subject {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

impl From<&std::path::Path> for Subject {
    fn from(path: &std::path::Path) -> Self {
        Self(Some(path.display().to_string()))
    }
}
