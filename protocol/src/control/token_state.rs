use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What the supervisor does about a node's token that the hub refuses, or that is about to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TokenState {
    /// It is being replaced.
    Repairing,
    /// The person's login is dead or missing. It goes on by itself once somebody logs in.
    AuthBlocked {
        /// What is wrong with the login.
        reason: String,
        /// The command that mends it.
        hint: String,
    },
    /// Only a person can mend it; nothing is tried until then.
    NeedsAttention {
        /// What was seen.
        reason: String,
        /// What mends it.
        hint: String,
    },
    /// The hub was away, busy or at fault.
    Waiting {
        /// What was seen.
        reason: String,
        /// When it is tried again.
        until: Timestamp,
    },
}
