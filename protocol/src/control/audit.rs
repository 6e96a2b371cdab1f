//! What was asked of a supervisor, and by whom.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ControlErrorCode, Requester};
use crate::time::Timestamp;

/// One line of the local audit log, `~/.anet/supervisor/audit.jsonl`: a request that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalAuditLine {
    /// When it was answered.
    pub at: Timestamp,
    /// Who asked.
    pub by: Requester,
    /// What for: `start`, `stop`, `restart`, `register`, `forget`, `reload`, `upgrade`, `shutdown`.
    pub action: String,
    /// The node, or `hub`; absent where the supervisor itself is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The node's project, where the request found one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// What came of it.
    #[serde(flatten)]
    pub result: AuditResult,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AuditResult {
    /// It was done, or was so already.
    Done,
    /// It was refused or failed.
    Refused {
        /// Why, for programs.
        code: ControlErrorCode,
        /// Why, for people.
        error: String,
    },
    /// Whoever asked went away before it was answered; what was begun goes on.
    Unanswered,
}
