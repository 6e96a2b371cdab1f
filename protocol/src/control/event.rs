//! What happened, told to those who listen.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ProcessState, Requester, TokenState};
use crate::notification::Link;
use crate::time::Timestamp;

/// `GET /v1/events`. A `Last-Event-ID` header counts as `since`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// First everything after this cursor. When it is not known any more, an event named `gap` ([`EventGap`])
    /// comes first, then everything there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// First so many of the last events; without effect beside `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<usize>,
    /// Whether to go on with events as they happen.
    #[serde(default = "yes")]
    pub follow: bool,
}

fn yes() -> bool {
    true
}

/// Events may be missing here.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct EventGap {
    /// Always true.
    pub gap: bool,
}

/// What an event tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// The state of the process changed; what versions before this word tell.
    #[default]
    State,
    /// A supervisor took over what an earlier one had started.
    Adopted,
    /// It ended while no supervisor watched.
    FoundDead,
    /// The node's link to the hub is another than before.
    Link {
        /// What it is now.
        link: Link,
    },
    /// Something is being done about the node's token that the hub refuses.
    Token {
        /// What; absent when the hub takes its token again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<TokenState>,
    },
    /// The login changed that a node's token waits for.
    Login,
    /// A newer supervisor tells something that this program does not know.
    #[serde(other)]
    Unknown,
}

/// Something happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupervisorEvent {
    /// Increasing while the supervisor lives.
    pub id: u64,
    /// Where to go on from after this event, also at a later supervisor; the stream's `id:`.
    #[serde(default)]
    pub cursor: String,
    /// When.
    pub at: Timestamp,
    /// The node, or `hub`.
    pub name: String,
    /// The project of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// What it is now.
    pub process: ProcessState,
    /// What happened.
    #[serde(default)]
    pub happening: Happening,
    /// Who asked for this, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Requester>,
}
