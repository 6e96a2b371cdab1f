//! A line of a log.

use serde::{Deserialize, Serialize};

/// One line of a log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// The text, redacted.
    pub line: String,
    /// When it was written or read, RFC 3339 in UTC; absent where the log does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Where it comes from.
    #[serde(default)]
    pub stream: LogStream,
    /// The number of the start that wrote it, where the log says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<u64>,
}

/// Where a line of a log comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// The process's standard output.
    Out,
    /// Its standard error.
    Err,
    /// A log that the process writes itself.
    #[default]
    Log,
}

impl LogStream {
    /// The word in a log, on the wire and in a command.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
            Self::Log => "log",
        }
    }

    /// The stream of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Out, Self::Err, Self::Log].into_iter().find(|stream| stream.word() == word)
    }
}
