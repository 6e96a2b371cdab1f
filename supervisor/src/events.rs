//! What happened, told to whoever listens.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anet_protocol::control::{ProcessState, Requester, SupervisorEvent};
use anet_protocol::time::Timestamp;
use tokio::sync::broadcast;

/// How many events a listener may be behind before its stream is ended.
const BACKLOG: usize = 1024;

/// Numbers the events and passes them on; a slow listener delays nobody.
#[derive(Debug)]
pub(crate) struct Events {
    last: Mutex<u64>,
    sender: broadcast::Sender<SupervisorEvent>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { last: Mutex::new(0), sender: broadcast::channel(BACKLOG).0 }
    }

    pub(crate) fn tell(
        &self,
        at: Timestamp,
        name: &str,
        project: Option<PathBuf>,
        process: ProcessState,
        by: Option<Requester>,
    ) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let event = SupervisorEvent { id: *last, at, name: name.to_owned(), project, process, by };
        // Sent under the lock, so that the numbers increase on every stream. Nobody listening is no fault.
        drop(self.sender.send(event));
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<SupervisorEvent> {
        self.sender.subscribe()
    }
}
