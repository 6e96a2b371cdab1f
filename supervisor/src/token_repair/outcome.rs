use std::time::Duration;

use anet_protocol::id::{NetworkId, TokenId};
use anet_protocol::node_config::NodeConfigError;

use super::Step;
use crate::private_file::FileError;

/// How a repair ended. None of them says that a token was lost: one that works stays until another one does.
///
/// `TokenState` of the control API is what a node is in meanwhile, as clients see it: it has no successes, which end it,
/// and a moment in place of a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairOutcome {
    /// The configuration holds a new token, which the hub takes for this node in its network.
    Repaired {
        /// The last six characters of the new token.
        fingerprint: String,
        /// Its row at the hub.
        token_id: TokenId,
        /// The node's network.
        network_id: NetworkId,
        /// Tokens that were revoked: the replaced one, and what a repair that was cut off had minted.
        revoked: Vec<TokenId>,
    },
    /// The token in the configuration works; another repair was first, or nothing was wrong.
    AlreadyValid {
        /// Its row at the hub.
        token_id: TokenId,
        /// Tokens of a repair that was cut off, now revoked.
        revoked: Vec<TokenId>,
    },
    /// The person's own login is dead or missing, so no token can be minted. Trying again is pointless until it changes.
    AuthBlocked {
        /// What is wrong with the login.
        reason: String,
        /// The command that mends it.
        hint: String,
    },
    /// Nothing that can be repaired here: the node was deleted, the membership ended, the right is missing.
    NeedsAttention {
        /// What was seen.
        reason: String,
        /// What mends it.
        hint: String,
    },
    /// The hub is away, busy or at fault; the token may be fine (R48).
    Later {
        /// What was seen.
        reason: String,
        /// How long the hub asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Why a repair could not be carried out on this machine.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// A file of the node could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The node's configuration cannot be understood.
    #[error(transparent)]
    Config(#[from] NodeConfigError),
    /// The hub's address is none.
    #[error("{}: `{hub}` is not the address of a hub", directory.display())]
    Hub {
        /// The node's directory.
        directory: std::path::PathBuf,
        /// What stands there.
        hub: String,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up an HTTP client: {0}")]
    Client(String),
    /// It was cut off after this step, as a crash would.
    #[error("the repair was cut off after the step {0:?}")]
    CutOff(Step),
    /// A thread of its own failed.
    #[error("the repair failed: {0}")]
    Fault(String),
}
