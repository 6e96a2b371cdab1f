//! The supervisor's control API: HTTP/1.1 and JSON over `~/.anet/run/supervisor.sock`.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | `GET /v1/status` | | [`SupervisorStatus`] |
//! | `GET /v1/hub` | | [`HubView`] |
//! | `POST /v1/hub/start` | [`StartHub`] | [`HubChanged`] |
//! | `POST /v1/hub/stop` | | [`HubChanged`] |
//! | `POST /v1/hub/restart` | | [`HubChanged`] |
//! | `GET /v1/hub/logs?lines=&follow=&since=&grep=&stream=&after=` | | SSE of [`LogLine`] |
//! | `GET /v1/nodes` | | [`NodeViews`] |
//! | `GET /v1/nodes/{name}?project=` | | [`NodeView`] with its exits |
//! | `POST /v1/nodes/{name}/start` | [`NodeTarget`] | [`NodeChanged`] |
//! | `POST /v1/nodes/{name}/stop` | [`NodeTarget`] | [`NodeChanged`] |
//! | `POST /v1/nodes/{name}/restart` | [`NodeTarget`] | [`NodeChanged`] |
//! | `POST /v1/nodes/{name}/register` | [`NodeTarget`] | [`NodeView`] |
//! | `POST /v1/nodes/{name}/forget` | [`NodeTarget`] | `{}`; refused while it runs |
//! | `GET /v1/nodes/{name}/logs?project=&…` as for the hub | | SSE of [`LogLine`] |
//! | `GET /v1/events?since=&lines=&follow=` | | SSE of [`SupervisorEvent`] |
//! | `POST /v1/reload` | | [`Reloaded`] |
//! | `GET /v1/plan` | | [`Plan`] |
//! | `POST /v1/upgrade` | [`Upgrade`] | [`Upgrading`], then the supervisor becomes the new program |
//! | `POST /v1/shutdown` | [`Shutdown`] | [`ShuttingDown`], then the supervisor leaves |
//!
//! Start, stop and restart answer when the outcome is proven, or with an error when it is not.

mod exit;
mod hub_variables;
mod maintenance;
mod state_word;
mod token_state;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use exit::{Exit, ExitCause, KEPT_EXITS, Requester, StopReason, StopRequest};
pub use hub_variables::HubVariables;
pub use maintenance::{Plan, PlannedRestart, ProgramVersion, Reloaded, Upgrade, Upgrading};
pub use state_word::state_word;
pub use token_state::TokenState;

use crate::notification::Link;
use crate::time::Timestamp;

/// The version of this protocol; the CLI refuses a supervisor that speaks another major one.
pub const CONTROL_VERSION: u32 = 1;

/// What a person wants of a process. It survives reboots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// Keep it running.
    Running,
    /// Leave it alone.
    Stopped,
}

/// What the supervisor observed of a process, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProcessState {
    /// Nobody watches it: no supervisor runs. The supervisor itself never says so.
    Unknown,
    /// Not running, and not meant to be.
    Stopped {
        /// When it was found or brought down.
        since: Timestamp,
        /// How it last ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_exit: Option<Exit>,
    },
    /// Wanted, and started as soon as what it depends on is ready.
    Waiting {
        /// Since when.
        since: Timestamp,
        /// What for.
        reason: String,
        /// How it last ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_exit: Option<Exit>,
    },
    /// Alive, has not said that it is ready.
    Starting {
        /// Its process id.
        pid: u32,
        /// When it was started.
        since: Timestamp,
        /// It should be ready by now (R34); it is left alone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        slow: bool,
    },
    /// Alive, and said so itself.
    Running {
        /// Its process id.
        pid: u32,
        /// When it was started.
        since: Timestamp,
        /// When it said that it is ready.
        ready_at: Timestamp,
        /// It gives no sign of life (R35).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        hung: bool,
    },
    /// Asked to leave.
    Stopping {
        /// Its process id.
        pid: u32,
        /// When it was asked.
        since: Timestamp,
    },
    /// Died, will be started again.
    Backoff {
        /// When.
        until: Timestamp,
        /// How many failures in a row.
        attempt: u32,
        /// How it died.
        last_exit: Exit,
    },
    /// Died in a way that starting again cannot mend; a person must do something.
    NeedsAttention {
        /// When it was given up.
        since: Timestamp,
        /// What is wrong, and what mends it.
        reason: String,
        /// How it died.
        last_exit: Exit,
    },
}

impl ProcessState {
    /// The word for the process alone; [`state_word()`] has the one for people.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stopped { .. } => "stopped",
            Self::Waiting { .. } => "waiting",
            Self::Starting { .. } => "starting",
            Self::Running { .. } => "running",
            Self::Stopping { .. } => "stopping",
            Self::Backoff { .. } => "backoff",
            Self::NeedsAttention { .. } => "needs_attention",
        }
    }

    /// The living process, if there is one.
    #[must_use]
    pub const fn pid(&self) -> Option<u32> {
        match self {
            Self::Starting { pid, .. } | Self::Running { pid, .. } | Self::Stopping { pid, .. } => Some(*pid),
            Self::Unknown
            | Self::Stopped { .. }
            | Self::Waiting { .. }
            | Self::Backoff { .. }
            | Self::NeedsAttention { .. } => None,
        }
    }
}

/// A node as the supervisor sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its identity; absent when its configuration cannot be read.
    pub node_id: Option<String>,
    /// Its runtime; absent when its configuration cannot be read.
    pub runtime: Option<String>,
    /// The one word of [`state_word()`].
    pub state: String,
    /// The living process.
    pub pid: Option<u32>,
    /// The project directory it belongs to.
    pub project: PathBuf,
    /// What is wanted.
    pub desired: Desired,
    /// What was observed.
    pub process: ProcessState,
    /// The link to the hub as the node last told, and when.
    pub link: Option<Observed<Link>>,
    /// Tasks in hand as the node last told, and when.
    pub work: Option<Observed<u32>>,
    /// What is being done about its token, since when; absent when nothing needs to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Observed<TokenState>>,
    /// What was changed of it since it was started, a word each; `anet apply` or a restart applies it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// When the living process last said that it is alive and not stuck.
    #[serde(default)]
    pub proof_of_life: Option<Timestamp>,
    /// Starts since a person last asked for one.
    pub restarts: u32,
    /// Starts since it was first made known; the number of the last one.
    #[serde(default)]
    pub incarnation: u64,
    /// How its last [`KEPT_EXITS`] starts ended, oldest first; empty in lists, which show only the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<Exit>,
    /// The version of the program that the living process runs, which an upgrade of the supervisor leaves alone.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether it says when it is ready. What does not is shown as running once it was executed.
    #[serde(default = "says_so")]
    pub tells_ready: bool,
    /// Why its configuration cannot be used, with line and column.
    pub config_error: Option<String>,
}

/// Nodes do, also where a supervisor of an earlier version does not tell.
const fn says_so() -> bool {
    true
}

/// A fact and when it was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed<T> {
    /// The fact.
    pub value: T,
    /// When.
    pub at: Timestamp,
}

/// Every node the supervisor knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeViews {
    /// By name, then by project.
    pub nodes: Vec<NodeView>,
}

/// The hub as the supervisor sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HubView {
    /// The one word of `process`.
    pub state: String,
    /// The living process.
    pub pid: Option<u32>,
    /// What is wanted.
    pub desired: Desired,
    /// What was observed.
    pub process: ProcessState,
    /// When the living process last said that it is alive and not stuck.
    #[serde(default)]
    pub proof_of_life: Option<Timestamp>,
    /// Where it listens, once it said so.
    pub url: Option<String>,
    /// Its database.
    pub database: Option<PathBuf>,
    /// Starts since a person last asked for one.
    pub restarts: u32,
    /// Starts since it was first made known; the number of the last one.
    #[serde(default)]
    pub incarnation: u64,
    /// How its last [`KEPT_EXITS`] starts ended, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<Exit>,
}

/// `GET /v1/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupervisorStatus {
    /// [`CONTROL_VERSION`] of the supervisor.
    pub control_version: u32,
    /// Its program's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Its program file.
    pub executable: PathBuf,
    /// False when the program file was moved, deleted or replaced since the supervisor started.
    pub executable_is_current: bool,
    /// When it started.
    pub since: Timestamp,
    /// Names this life of the supervisor: another after every start and every upgrade.
    #[serde(default)]
    pub instance: String,
    /// The user whose supervisor it is.
    #[serde(default)]
    pub uid: u32,
    /// The `~/.anet` it serves.
    pub home: PathBuf,
    /// How it keeps hold of what its processes start.
    #[serde(default)]
    pub containment: Containment,
    /// The hub.
    pub hub: HubView,
    /// The nodes.
    pub nodes: Vec<NodeView>,
}

/// How a supervisor keeps hold of every process that hub and nodes start, so that a stop reaches all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// Each start has a control group, which nothing can leave.
    Cgroup,
    /// By the start's id in the environment, its mark in the limits, sessions and descent; orphans become the
    /// supervisor's children and are buried by it.
    Subreaper,
    /// As [`Self::Subreaper`], but orphans go to the system's first process.
    #[default]
    Mark,
}

/// `POST /v1/hub/start`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartHub {
    /// Where to listen; port 0 asks the kernel for a free one.
    pub listen: SocketAddr,
    /// The database file.
    pub database: PathBuf,
    /// The hub's settings.
    #[serde(default, skip_serializing_if = "HubVariables::is_empty")]
    pub variables: HubVariables,
}

/// The outcome for the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HubChanged {
    /// False when it was already so.
    pub changed: bool,
    /// How it is now.
    pub hub: HubView,
}

/// Which of several nodes of one name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeTarget {
    /// The absolute project directory. Needed to make a node known, and where a name is ambiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
}

/// The outcome for a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeChanged {
    /// False when it was already so.
    pub changed: bool,
    /// How it is now.
    pub node: NodeView,
}

/// `POST /v1/shutdown`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Stop hub and nodes too; otherwise they run on and the next supervisor adopts them.
    pub stop_children: bool,
}

/// The answer to a shutdown request; the socket closes after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShuttingDown {
    /// The process that is about to leave.
    pub pid: u32,
    /// What was stopped, by name; the hub is `hub`.
    pub stopped: Vec<String>,
    /// What runs on.
    pub left_running: Vec<String>,
}

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
    /// Who asked for this, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Requester>,
}

/// A refused control request: `{"ok":false,"error":…,"code":…,"hint":…}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ControlError {
    /// Always false.
    pub ok: bool,
    /// What failed and why.
    pub error: String,
    /// The stable word for programs.
    pub code: ControlErrorCode,
    /// The command that mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why a control request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlErrorCode {
    /// 400: the request does not fit.
    InvalidInput,
    /// 403: the peer is another user.
    Forbidden,
    /// 404: no node of that name.
    NodeNotFound,
    /// 409: several projects have a node of that name; name one.
    AmbiguousNode,
    /// 409: somebody else holds the port; the error names who.
    PortTaken,
    /// 409: not while it runs.
    StillRunning,
    /// 422: the node's configuration or `.env` cannot be used.
    ConfigInvalid,
    /// 422: the program file cannot take the supervisor's place.
    UpgradeRefused,
    /// 502: it was started and failed before it was ready.
    StartFailed,
    /// 504: it is alive and has not said that it is ready in time.
    NotReady,
    /// 500: processes survived the stop; the error names them.
    StopFailed,
    /// 500: a fault of the supervisor.
    Internal,
}

impl ControlErrorCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidInput => 400,
            Self::Forbidden => 403,
            Self::NodeNotFound => 404,
            Self::AmbiguousNode | Self::PortTaken | Self::StillRunning => 409,
            Self::ConfigInvalid | Self::UpgradeRefused => 422,
            Self::StopFailed | Self::Internal => 500,
            Self::StartFailed => 502,
            Self::NotReady => 504,
        }
    }
}

/// Whether two programs that speak these versions of the control API understand each other: the same, or
/// one apart, since a version only adds fields that the one before can do without (R57).
#[must_use]
pub const fn understand_each_other(one: u32, other: u32) -> bool {
    one.abs_diff(other) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_one_version_apart_understand_each_other_both_ways() {
        for (one, other, expected) in [(1, 1, true), (1, 2, true), (2, 1, true), (1, 3, false), (3, 1, false)] {
            assert_eq!(understand_each_other(one, other), expected, "{one} and {other}");
        }
    }

    #[test]
    fn a_state_is_flat_json_told_apart_by_state() {
        let state = ProcessState::Starting { pid: 7, since: Timestamp::from_millis(0), slow: false };
        assert_eq!(
            serde_json::to_string(&state).unwrap(),
            r#"{"state":"starting","pid":7,"since":"1970-01-01 00:00:00"}"#
        );
    }
}
