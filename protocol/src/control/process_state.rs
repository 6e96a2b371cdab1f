//! What is wanted of a process, and what was observed of it.

use serde::{Deserialize, Serialize};

use super::{Exit, StopRequest};
use crate::time::Timestamp;

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
        /// It takes no new task, and is restarted when it has none in hand.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        draining: bool,
    },
    /// Asked to leave.
    Stopping {
        /// Its process id.
        pid: u32,
        /// When it was asked.
        since: Timestamp,
        /// Why, and by whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<StopRequest>,
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
    /// The word for the process alone; [`state_word()`](super::state_word()) has the one for people.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_flat_json_told_apart_by_state() {
        let state = ProcessState::Starting { pid: 7, since: Timestamp::from_millis(0), slow: false };
        assert_eq!(
            serde_json::to_string(&state).unwrap(),
            r#"{"state":"starting","pid":7,"since":"1970-01-01 00:00:00"}"#
        );
    }
}
