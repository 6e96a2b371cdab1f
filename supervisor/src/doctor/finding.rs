//! What the doctor says about one thing.

use serde::{Serialize, Serializer};

use super::repair::Repair;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing, not counted.
    Fact,
    /// It works, and should be otherwise.
    Warning,
    /// It does not work.
    Error,
}

impl Severity {
    /// The sign at the beginning of a line.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✅",
            Self::Fact => "ℹ",
            Self::Warning => "⚠",
            Self::Error => "❌",
        }
    }

    /// The word beside the sign.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fact => "fact",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was seen, why it matters, and the one command that mends it.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The id of the check.
    pub check: &'static str,
    /// The title of the check.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The node or the file that it is about.
    pub subject: Option<String>,
    /// What was seen.
    pub seen: String,
    /// Why it matters; absent where all is well.
    pub why: Option<&'static str>,
    /// The command that mends it.
    pub command: Option<String>,
    /// What `--fix` does about it; a document says only whether it does anything.
    #[serde(rename = "repairable", serialize_with = "as_presence")]
    pub repair: Option<Repair>,
}

impl Finding {
    /// Names the command that mends it.
    pub(super) fn command(&mut self, command: impl Into<String>) -> &mut Self {
        self.command = Some(command.into());
        self
    }

    /// Says why this one matters, where that is not what the check says.
    pub(super) fn because(&mut self, why: &'static str) -> &mut Self {
        self.why = Some(why);
        self
    }

    /// Says what `--fix` does about it.
    pub(super) fn repair(&mut self, repair: Repair) -> &mut Self {
        self.command.get_or_insert_with(|| "anet doctor --fix".to_owned());
        self.repair = Some(repair);
        self
    }
}

#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn as_presence<S: Serializer>(repair: &Option<Repair>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(repair.is_some())
}
