//! Which part of a log to read.

use std::path::PathBuf;

use anet_protocol::control::LogStream;
use serde::Serialize;

/// Which part of a log to read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogQuery {
    /// The node's project, where its name is ambiguous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// How many of the newest lines.
    pub lines: usize,
    /// Whether to go on with lines as they are written.
    pub follow: bool,
    /// No older lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Lines in which this pattern is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grep: Option<String>,
    /// Lines of this stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<LogStream>,
    /// Lines behind the one with this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
