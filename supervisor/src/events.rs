//! What happened, told to whoever listens, and kept for a while for those who come back.

mod log;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anet_protocol::control::{Happening, ProcessState, Requester, SupervisorEvent};
use anet_protocol::time::Timestamp;
use tokio::sync::broadcast;

pub(crate) use log::{EventLog, Past};

/// How many events a listener may be behind before its stream is ended.
const BACKLOG: usize = 1024;

/// What is to be told, of whom.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) name: String,
    pub(crate) project: Option<PathBuf>,
    pub(crate) process: ProcessState,
    pub(crate) happening: Happening,
    pub(crate) by: Option<Requester>,
}

/// Numbers the events, keeps them and passes them on; a slow listener delays nobody.
#[derive(Debug)]
pub(crate) struct Events {
    /// When this supervisor started, in milliseconds: the first half of each cursor, so that two supervisors never
    /// give the same one.
    epoch: i64,
    last: Mutex<u64>,
    log: Arc<EventLog>,
    sender: broadcast::Sender<SupervisorEvent>,
}

impl Events {
    /// Events of a supervisor that started at `epoch`, kept in `directory`.
    pub(crate) fn new(directory: &Path, epoch: Timestamp) -> Self {
        let log = Arc::new(EventLog::new(directory));
        Self { epoch: epoch.as_millis(), last: Mutex::new(0), log, sender: broadcast::channel(BACKLOG).0 }
    }

    pub(crate) fn tell(&self, at: Timestamp, news: News) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let cursor = format!("{}-{}", self.epoch, *last);
        let News { name, project, process, happening, by } = news;
        let event = SupervisorEvent { id: *last, cursor, at, name, project, process, happening, by };
        if let Err(error) = self.log.append(&event) {
            tracing::error!(%error, "an event could not be kept");
        }
        // Sent under the lock, so that the numbers increase on every stream. Nobody listening is no fault.
        drop(self.sender.send(event));
    }

    /// Everything from now on, and the log in which everything before it is.
    pub(crate) fn subscribe(&self) -> (broadcast::Receiver<SupervisorEvent>, Arc<EventLog>) {
        let _none_is_told_meanwhile = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (self.sender.subscribe(), Arc::clone(&self.log))
    }
}
