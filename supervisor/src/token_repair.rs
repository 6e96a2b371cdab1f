//! Repairing the token of a node that the hub refuses (R45–R50). One function for the running supervisor, for
//! `anet doctor --fix` and for the CLI.
//!
//! [`probe()`] asks the hub what a node's token is good for and changes nothing. [`Repair`] replaces it: mint, verify,
//! persist, switch, revoke. Whatever step the process dies after, the configuration holds a token that works or the one
//! that was there, and the next repair revokes what was minted in excess.
//!
//! Rules: only a 401 says that a token is stale; the network is the node's own and never guessed; the person's login is
//! checked first, never put into a node, and never sent to another hub than its own.

mod account;
mod hub_api;
mod outcome;
mod pending;
mod place;
mod probe;
mod repair;

pub use account::{NodeAccount, NodeConfigFile};
pub use outcome::{RepairError, RepairOutcome};
pub use probe::{Probe, probe};
pub use repair::{Cause, Repair, Repaired, Step};
