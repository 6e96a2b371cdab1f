//! What a process writes to its standard output and error, kept as a log of whole lines.
//!
//! A process writes into two files that only grow (`unread/<incarnation>.out` and `.err`), not into
//! pipes: the supervisor may die without the process noticing (R27). Whatever stands in them is read
//! as it comes, freed of secrets, and appended to `output.log`, a line of which is
//! `<time> <out|err> <incarnation> <text>`; then the part that was read is given back to the disk.
//! `unread/position` tells up to where that is done, so that the next supervisor neither loses nor
//! doubles a line. Where a process writes faster than that, lines are dropped and counted (R64).

mod collector;
mod kept_log;
mod log_room;
mod position;
mod raw_file;
mod reading;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anet_protocol::Clock;
use anet_protocol::redaction::Redactor;
use anet_protocol::time::Timestamp;
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::directory_watcher::DirectoryWatcher;
use crate::logs::LOOK_INTERVAL;
use crate::rotation::LogRotation;

pub(crate) use kept_log::{LOG, LogLimits};
pub(crate) use log_room::LogRoom;
pub(crate) use raw_file::incarnation_of;

use collector::{Collector, Step};

/// How long to wait between two looks at a process that writes without pause. It bounds what one
/// process can cost, and no follower sees the difference.
const PACE: Duration = Duration::from_millis(20);
/// How long to wait after the disk refused.
const RETRY: Duration = Duration::from_secs(1);
/// How many processes' output is read at the same time.
const SLOTS: usize = 2;

/// What the captures of all processes share.
pub(crate) struct Captures {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory_watcher: Arc<DirectoryWatcher>,
    pub(crate) room: Arc<LogRoom>,
    rotation: LogRotation,
    slots: Semaphore,
}

impl Captures {
    pub(crate) fn new(clock: Arc<dyn Clock>, directory_watcher: Arc<DirectoryWatcher>, room: Arc<LogRoom>) -> Self {
        Self { clock, directory_watcher, room, rotation: LogRotation::default(), slots: Semaphore::new(SLOTS) }
    }
}

/// Where a new process shall write.
#[derive(Debug)]
pub(crate) struct Outputs {
    pub(crate) out: File,
    pub(crate) err: File,
}

/// The output of one hub, node or program, over all its starts.
pub(crate) struct Capture {
    shared: Arc<Shared>,
    follower: Option<AbortHandle>,
}

struct Shared {
    captures: Arc<Captures>,
    unread: PathBuf,
    collector: Mutex<Collector>,
}

impl Capture {
    /// Touches no file yet.
    pub(crate) fn new(captures: Arc<Captures>, log_directory: PathBuf) -> Self {
        captures.room.add(&log_directory);
        let collector = Collector::new(log_directory, Arc::clone(&captures.clock), captures.rotation.clone());
        let unread = collector.unread();
        Self { shared: Arc::new(Shared { captures, unread, collector: Mutex::new(collector) }), follower: None }
    }

    /// Files for the next start, after the output of earlier ones is kept. Its number is `incarnation`,
    /// or the next one that no earlier start had.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(crate) async fn open(
        &mut self,
        incarnation: u64,
        redactor: Redactor,
        limits: LogLimits,
    ) -> io::Result<Outputs> {
        self.stop_following();
        let outputs =
            self.shared.collect_all(true, move |collector| collector.open(incarnation, redactor, limits)).await?;
        self.follow();
        Ok(outputs)
    }

    /// Goes on with a process that an earlier supervisor started.
    pub(crate) async fn adopt(&mut self, redactor: Redactor, limits: LogLimits) {
        let adopted = self.shared.with(move |collector| collector.adopt(redactor, limits)).await;
        if let Err(error) = adopted {
            self.shared.report(&error);
        }
        self.follow();
    }

    /// Keeps everything that was written up to now, half lines too; the last words of the current start, of those that
    /// were written `since`.
    pub(crate) async fn settle(&self, since: Option<Timestamp>) -> Option<String> {
        self.shared.collect_all(false, move |collector| collector.last_words(since)).await
    }

    /// Nobody of the current start writes any more: keeps everything, and removes its files.
    pub(crate) async fn close(&mut self) {
        self.stop_following();
        self.shared.collect_all(true, |_| ()).await;
    }

    fn stop_following(&mut self) {
        if let Some(follower) = self.follower.take() {
            follower.abort();
        }
    }

    fn follow(&mut self) {
        let shared = Arc::clone(&self.shared);
        let follower = tokio::spawn(async move { shared.follow().await });
        if let Some(before) = self.follower.replace(follower.abort_handle()) {
            before.abort();
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop_following();
    }
}

impl Shared {
    /// Runs on a thread where reading and writing may wait.
    async fn with<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&mut Collector) -> T + Send + 'static) -> T {
        let shared = Arc::clone(self);
        let work = move || work(&mut shared.collector.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            // Only a panic of the work itself, or the end of the runtime, leads here.
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => std::future::pending().await,
            },
        }
    }

    async fn step(self: &Arc<Self>) -> io::Result<Step> {
        let slot = self.captures.slots.acquire().await;
        let room = Arc::clone(&self.captures.room);
        let step = self.with(move |collector| keep_some(collector, &room, false)).await;
        drop(slot);
        step
    }

    /// Keeps everything that was written up to now, then does `last` on the same thread: each change of the thread
    /// delays the next start (R3). With `is_over` nobody of the current start writes any more.
    async fn collect_all<T, L>(self: &Arc<Self>, is_over: bool, mut last: L) -> T
    where
        T: Send + 'static,
        L: FnOnce(&mut Collector) -> T + Send + 'static,
    {
        loop {
            let slot = self.captures.slots.acquire().await;
            let shared = Arc::clone(self);
            let collect = move |collector: &mut Collector| {
                if is_over {
                    collector.end_current();
                }
                match keep_some(collector, &shared.captures.room, true) {
                    Ok(step) if step.is_more => return ControlFlow::Continue(last),
                    Ok(_) => {}
                    // It stays where it is, and is read again later.
                    Err(error) => shared.report(&error),
                }
                ControlFlow::Break(last(collector))
            };
            let outcome = self.with(collect).await;
            // Others have their turn before more of this one is read.
            drop(slot);
            match outcome {
                ControlFlow::Break(done) => return done,
                ControlFlow::Continue(undone) => last = undone,
            }
        }
    }

    async fn follow(self: &Arc<Self>) {
        let watcher = &self.captures.directory_watcher;
        let mut changes = watcher.changes(self.unread.clone(), LOOK_INTERVAL);
        let mut is_reported = false;
        while changes.next().await.is_some() {
            loop {
                match self.step().await {
                    Ok(step) => {
                        is_reported = false;
                        if !step.took && !step.is_more {
                            break;
                        }
                        tokio::time::sleep(PACE).await;
                    }
                    Err(error) => {
                        if !is_reported {
                            self.report(&error);
                        }
                        is_reported = true;
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        }
    }

    fn report(&self, error: &io::Error) {
        tracing::error!(unread = %self.unread.display(), %error, "the output of a process cannot be kept, and stays unread");
    }
}

/// One step; where a log was begun, older ones are compressed, and all logs are kept within their room.
fn keep_some(collector: &mut Collector, room: &LogRoom, ends_lines: bool) -> io::Result<Step> {
    let step = collector.step(ends_lines)?;
    if step.rotated {
        collector.compress();
        room.keep();
    }
    Ok(step)
}
