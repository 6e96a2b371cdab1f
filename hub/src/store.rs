//! The boundary to the database. SQL stands below this module and nowhere else.
//!
//! A change is a job: an async closure over a [`Transaction`]. The store may run many jobs in one
//! database transaction; each is all or nothing by itself, and none is answered before the commit.

mod accounts;
mod audit;
mod events;
mod guessing;
mod messages;
mod networks;
mod nodes;
mod renames;
mod sqlite;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;

use std::error::Error;

use anet_protocol::id::NetworkId;
use async_trait::async_trait;
use futures_util::future::LocalBoxFuture;

pub(crate) use accounts::{AccountReads, AccountWrites, StoredPassword, StoredUser};
pub(crate) use audit::{AuditChain, AuditFilter, AuditReads, AuditWrites};
pub(crate) use events::{EventBounds, EventReads, EventWrites};
pub(crate) use guessing::{GuessReads, GuessWrites, LimitRow, LoginFailures};
pub(crate) use messages::{MessageFilter, MessageReads, MessageWrites, NewMessage};
pub(crate) use networks::{InvitesOf, NetworkReads, NetworkWrites, NewInvite};
pub(crate) use nodes::{NodeFilter, NodeReads, NodeWrites, PresenceRow, StoredNode};
pub(crate) use renames::{Rename, RenameReads, RenameStatus, RenameWrites};
pub(crate) use sqlite::{Inspection, SqliteStore};
pub(crate) use tasks::{NewTaskEvent, StoredTask, TaskFilter, TaskReads, TaskWrites};
pub(crate) use tokens::{
    BoundNode, NewToken, StoredRefresh, StoredToken, TokenKey, TokenReads, TokenRow, TokenStanding, TokenUse,
    TokenWrites,
};

use crate::events::Effect;

/// Why the database did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is full, locked, read-only or gone: nothing was stored, and trying again may help.
    #[error("the database is not available: {source}")]
    Unavailable {
        /// What the engine said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It holds or was given something it should not: a fault of the program or of the file.
    #[error("the database refused a statement or holds a value of no meaning: {source}")]
    Fault {
        /// What the engine said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The result of a call to the database.
pub(crate) type StoreResult<T> = Result<T, StoreError>;

/// Everything that can be asked.
pub(crate) trait Reads:
    AccountReads
    + TokenReads
    + NetworkReads
    + RenameReads
    + GuessReads
    + AuditReads
    + NodeReads
    + TaskReads
    + MessageReads
    + EventReads
{
}

/// Everything that can be asked and changed, all or nothing. A change that gives no answer may be put off until
/// something is asked or the job ends; what is asked later sees it, and if it fails, so does the job.
#[async_trait]
pub(crate) trait Transaction:
    Reads
    + AccountWrites
    + TokenWrites
    + NetworkWrites
    + RenameWrites
    + GuessWrites
    + AuditWrites
    + NodeWrites
    + TaskWrites
    + MessageWrites
    + EventWrites
{
    /// Has `effect` happen once the transaction is on disk, and never otherwise.
    fn after_commit(&mut self, effect: Effect);

    /// The engine itself, for tests that make it fail.
    #[cfg(test)]
    async fn engine(&mut self) -> StoreResult<&mut sqlx::sqlite::SqliteConnection>;
}

/// How a job ended.
pub(crate) struct Finished {
    /// Whether its changes are to stay.
    pub keep: bool,
    /// Gives the answer; called after the commit, or with why the changes could not be stored. Dropped uncalled, it
    /// tells that nothing was stored.
    pub answer: Box<dyn FnOnce(StoreResult<()>) + Send>,
}

/// A change to be made.
pub(crate) type Job = Box<dyn for<'t> FnOnce(&'t mut dyn Transaction) -> LocalBoxFuture<'t, Finished> + Send>;

/// A database engine.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Queues a change; gives the job back when the store is closed.
    fn submit(&self, job: Job) -> Result<(), Job>;

    /// A view to ask questions of; sees every change that was answered before.
    async fn reader(&self) -> StoreResult<Box<dyn Reads>>;

    /// Resolves when the writer has ended, which before [`Store::close`] is a fault.
    async fn writer_ended(&self);

    /// Finishes what is queued and lets go of the database.
    async fn close(&self);
}

/// Who else may have the database open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreHolder {
    /// No other hub.
    Alone,
    /// A hub may be running on it: only short changes are made.
    Beside,
}

/// Which networks a question is about.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// Every network: for the system's administrator.
    All,
    /// These, possibly none.
    Networks(Vec<NetworkId>),
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The key after which the next page begins; `None` at the end.
    pub next: Option<i64>,
}
