//! The state in memory, and the tasks that write it.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use super::disk;
use super::format::State;
use super::state_text::StateText;
use crate::failpoint::Failpoint;

/// How many changes one write may carry.
const LARGEST_BATCH: usize = 1024;
/// How old `state.json` may get when nobody waits for it (R30: one write a second at most).
const LAZINESS: Duration = Duration::from_secs(1);

/// The state could not be written, so what was to be reported did not happen.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot write {}: {reason}", path.display())]
pub(crate) struct StateError {
    path: PathBuf,
    reason: String,
}

/// Whoever waits for a write.
type Reply = oneshot::Sender<Result<(), StateError>>;

/// The state in memory and the tasks that write it.
#[derive(Clone, Debug)]
pub(crate) struct StateStore {
    shared: Arc<Shared>,
    latest: mpsc::UnboundedSender<Reply>,
    durable: mpsc::UnboundedSender<Reply>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    boot_id: String,
    state: Mutex<State>,
    failpoint: Failpoint,
    /// Something was changed that is not in `state.json`.
    changed: Notify,
}

impl StateStore {
    /// The store, and the writer that must be awaited after the last clone of the store is dropped.
    pub(crate) fn new(
        path: PathBuf,
        boot_id: String,
        mut state: State,
        failpoint: Failpoint,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        state.sequence.get_or_insert(0);
        let shared = Arc::new(Shared { path, boot_id, state: Mutex::new(state), failpoint, changed: Notify::new() });
        let (latest, latest_requests) = mpsc::unbounded_channel();
        let (durable, durable_requests) = mpsc::unbounded_channel();
        let writers = {
            let shared = Arc::clone(&shared);
            async move {
                tokio::join!(
                    write_latest(Arc::clone(&shared), latest_requests),
                    write_durable(shared, durable_requests)
                );
            }
        };
        (Self { shared, latest, durable }, writers)
    }

    /// Changes the state and returns when that survives this process. Changes made at the same time share a write.
    ///
    /// # Errors
    /// When it could not be written; the change stays in memory and is written with the next one.
    pub(crate) async fn note(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        self.change(change);
        self.ask(&self.latest).await
    }

    /// Changes the state, which the next write carries: one that somebody waits for, or one within [`LAZINESS`].
    pub(crate) fn note_lazily(&self, change: impl FnOnce(&mut State)) {
        self.change(change);
        self.shared.changed.notify_one();
    }

    /// Changes the state and returns when that survives the machine's end too.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub(crate) async fn update(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        self.change(change);
        self.durable().await
    }

    /// Returns when everything up to this call survives the machine's end. The write is begun at once, not at the
    /// first poll.
    pub(crate) fn durable(&self) -> impl Future<Output = Result<(), StateError>> + use<> {
        self.ask(&self.durable)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.shared.state();
        change(&mut state);
        state.sequence = state.sequence.map(|sequence| sequence + 1);
    }

    fn ask(&self, writer: &mpsc::UnboundedSender<Reply>) -> impl Future<Output = Result<(), StateError>> + use<> {
        let (reply, answer) = oneshot::channel();
        let is_asked = writer.send(reply).is_ok();
        let path = self.shared.path.clone();
        async move {
            let gone = || StateError { path, reason: "the supervisor is shutting down".to_owned() };
            if is_asked { answer.await.unwrap_or_else(|_| Err(gone())) } else { Err(gone()) }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the state as it is now written by `write`, on a thread that may wait; the number of that state.
    async fn write(
        self: &Arc<Self>,
        write: impl FnOnce(&Self, &StateText) -> io::Result<()> + Send + 'static,
    ) -> Result<Option<u64>, StateError> {
        let shared = Arc::clone(self);
        let work = move || {
            let text = StateText::of(&mut shared.state())?;
            write(&shared, &text).map(|()| text.sequence)
        };
        let outcome = tokio::task::spawn_blocking(work).await.unwrap_or_else(|failed| Err(io::Error::other(failed)));
        outcome.map_err(|error| StateError { path: self.path.clone(), reason: error.to_string() })
    }
}

async fn write_latest(shared: Arc<Shared>, mut requests: mpsc::UnboundedReceiver<Reply>) {
    let mut waiting = Vec::new();
    while requests.recv_many(&mut waiting, LARGEST_BATCH).await > 0 {
        let write = |shared: &Shared, state: &StateText| disk::write_latest(&shared.path, &shared.boot_id, state);
        answer(&mut waiting, &shared.write(write).await.map(drop));
        shared.changed.notify_one();
    }
}

async fn write_durable(shared: Arc<Shared>, mut requests: mpsc::UnboundedReceiver<Reply>) {
    let mut waiting = Vec::new();
    let mut written = None;
    let mut has_failed = false;
    loop {
        let lazily = async {
            shared.changed.notified().await;
            tokio::time::sleep(LAZINESS).await;
        };
        let is_last = tokio::select! {
            count = requests.recv_many(&mut waiting, LARGEST_BATCH) => count == 0,
            () = lazily => false,
        };
        if !waiting.is_empty() || shared.state().sequence > written {
            let outcome = shared.write(|shared, state| disk::write(&shared.path, state, &shared.failpoint)).await;
            match &outcome {
                Ok(sequence) => written = *sequence,
                Err(error) => {
                    if !has_failed {
                        tracing::error!(%error, "the state does not survive the machine, trying again");
                    }
                    shared.changed.notify_one();
                }
            }
            has_failed = outcome.is_err();
            answer(&mut waiting, &outcome.map(drop));
        }
        if is_last {
            return;
        }
    }
}

fn answer(waiting: &mut Vec<Reply>, outcome: &Result<(), StateError>) {
    for reply in waiting.drain(..) {
        // Whoever stopped waiting does not need the answer.
        drop(reply.send(outcome.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use anet_protocol::control::Desired;
    use anet_protocol::time::Timestamp;

    use super::*;
    use crate::state_file::{History, NodeRecord, load, newest};

    fn open(path: PathBuf) -> (StateStore, impl Future<Output = ()>) {
        StateStore::new(path, "this boot".to_owned(), State::new("/x".into()), Failpoint::default())
    }

    fn node(name: &str) -> NodeRecord {
        NodeRecord {
            name: name.to_owned(),
            project: "/p".into(),
            desired: Desired::Running,
            process: None,
            history: History::default(),
        }
    }

    #[tokio::test]
    async fn what_was_answered_is_on_disk_and_for_the_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let (store, writer) = open(path.clone());
        let writer = tokio::spawn(writer);
        let updates = (0..100).map(|index| {
            let store = store.clone();
            async move { store.update(|state| state.nodes.push(node(&format!("n{index}")).into())).await }
        });
        for outcome in futures_util::future::join_all(updates).await {
            outcome.unwrap();
        }
        let loaded = load(&path, Path::new("/y"), "this boot", Timestamp::from_millis(0)).unwrap().state;
        assert_eq!((loaded.nodes.len(), loaded.executable), (100, PathBuf::from("/y")));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(store);
        writer.await.unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "a temporary file is left");
    }

    #[tokio::test]
    async fn what_was_noted_survives_the_supervisor_at_once_and_the_machine_a_little_later() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let (store, writer) = open(path.clone());
        let writer = tokio::spawn(writer);
        store.update(|state| state.nodes.push(node("a").into())).await.unwrap();
        store.note(|state| state.nodes.push(node("b").into())).await.unwrap();
        // Not by `load`, which takes the writer's temporary files for abandoned ones.
        let found = |boot: &str| {
            let durable = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            newest(&path, boot, Some(durable)).unwrap().state.nodes.len()
        };
        assert_eq!(found("this boot"), 2);
        while found("another boot") < 2 {
            tokio::task::yield_now().await;
        }
        store.note(|state| state.nodes.push(node("c").into())).await.unwrap();
        drop(store);
        writer.await.unwrap();
        assert_eq!(found("another boot"), 3, "the last write is missing");
    }

    #[tokio::test]
    async fn a_write_that_fails_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = open(directory.path().join("gone/state.json"));
        let writer = tokio::spawn(writer);
        let noted = store.note(|state| state.nodes.push(node("m").into())).await.unwrap_err();
        assert!(noted.to_string().contains("gone/state.json"), "{noted}");
        let error = store.update(|state| state.nodes.push(node("n").into())).await.unwrap_err();
        assert!(error.to_string().contains("gone/state.json"), "{error}");
        drop(store);
        writer.await.unwrap();
    }
}
