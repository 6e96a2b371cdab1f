//! Group commit: whatever waits in the queue is written in one transaction, forced to disk once, and only
//! then answered. Measured in hub-limits §2.1: this makes `synchronous=FULL` nearly free.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use futures_util::FutureExt as _;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::session::{Session, WritingSession};
use crate::error::HubError;
use crate::events::Effect;
use crate::store::{Finished, Job, StoreResult};

/// The most jobs in one transaction: bounds how long the first of them waits.
const GROUP: usize = 256;

/// The statements of a savepoint.
struct Savepoint {
    set: &'static str,
    roll_back: &'static str,
    release: &'static str,
}

/// Taken in turn. Were there only one, a job whose savepoint could not be set would roll back to that of the job before,
/// which is to stay; so it finds none, and the group fails.
const SAVEPOINTS: [Savepoint; 2] = [
    Savepoint { set: "SAVEPOINT even", roll_back: "ROLLBACK TO even", release: "RELEASE even" },
    Savepoint { set: "SAVEPOINT odd", roll_back: "ROLLBACK TO odd", release: "RELEASE odd" },
];

/// The thread that owns the writing connection.
pub(super) struct Writer {
    /// `None` once the store is closed. Unbounded because every waiting job is an open request, and those are bounded.
    queue: Mutex<Option<UnboundedSender<Job>>>,
    ended: CancellationToken,
}

impl Writer {
    pub(super) fn start(
        connection: SqliteConnection,
        publish: Arc<dyn Fn(Vec<Effect>) + Send + Sync>,
    ) -> Result<Self, HubError> {
        let failed = |source| HubError::Fault { doing: "start the writer", message: format!("{source}") };
        let (sender, receiver) = unbounded_channel();
        let ended = CancellationToken::new();
        // Without timers and sockets it waits on a condition variable, not on epoll, which wakes up sooner.
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
        let guard = ended.clone().drop_guard();
        thread::Builder::new()
            .name("hub-writer".to_owned())
            .spawn(move || {
                // Dropped on return and on panic alike: nobody waits for a writer that is gone.
                let _guard = guard;
                runtime.block_on(write_groups(connection, receiver, publish));
            })
            .map_err(failed)?;
        Ok(Self { queue: Mutex::new(Some(sender)), ended })
    }

    pub(super) fn submit(&self, job: Job) -> Result<(), Job> {
        match self.queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(queue) => queue.send(job).map_err(|error| error.0),
            None => Err(job),
        }
    }

    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Writes what is queued and ends.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.ended.cancelled().await;
    }
}

async fn write_groups(
    connection: SqliteConnection,
    mut queue: UnboundedReceiver<Job>,
    publish: Arc<dyn Fn(Vec<Effect>) + Send + Sync>,
) {
    let mut session = Session::new(Box::new(connection));
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        match write_group(&mut session, group.drain(..)).await {
            Ok(finished) => {
                // Effects first: who is answered may rely on its events being on their way.
                publish(std::mem::take(&mut session.effects));
                for (job, stored) in finished {
                    (job.answer)(stored);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a group of changes was not stored");
                session.effects.clear();
                session.audit_head = None;
                session.discard();
                roll_back(&mut session).await;
            }
        }
    }
    if let Err(error) = session.into_connection().close().await {
        tracing::warn!(%error, "the database was not closed cleanly");
    }
}

/// Runs the jobs in one transaction. On an error nothing is stored, and the jobs are dropped unanswered.
async fn write_group(
    session: &mut WritingSession,
    jobs: impl Iterator<Item = Job>,
) -> StoreResult<Vec<(Finished, StoreResult<()>)>> {
    session.mark_boundary("BEGIN IMMEDIATE");
    // By itself, so that a locked database is reported as that and not by what fails after it.
    session.send().await?;
    session.audit_head = None;
    let mut finished = Vec::new();
    for (job, savepoint) in jobs.zip(SAVEPOINTS.iter().cycle()) {
        session.mark_boundary(savepoint.set);
        let (effects, audit_head) = (session.effects.len(), session.audit_head.clone());
        let end = AssertUnwindSafe(job(session)).catch_unwind().await.ok();
        if end.is_none() {
            // The panic hook has written the message; the caller learns that nothing was stored.
            tracing::error!("a change panicked and was rolled back");
        }
        let wanted = end.as_ref().is_some_and(|end| end.keep);
        let stored = if wanted { session.flush().await } else { Ok(()) };
        if !wanted || stored.is_err() {
            session.effects.truncate(effects);
            session.audit_head = audit_head;
            session.discard();
            session.mark_boundary(savepoint.roll_back);
            // Fails where the engine itself has rolled the whole transaction back (disk full): then no job may stay.
            session.send().await?;
        }
        session.mark_boundary(savepoint.release);
        finished.extend(end.map(|end| (end, stored)));
    }
    session.save_audit_head().await?;
    session.mark_boundary("COMMIT");
    session.send().await?;
    Ok(finished)
}

async fn roll_back(session: &mut WritingSession) {
    session.mark_boundary("ROLLBACK");
    if let Err(error) = session.send().await {
        // "no transaction is active": the engine had rolled it back already.
        tracing::debug!(%error, "nothing left to roll back");
    }
}
