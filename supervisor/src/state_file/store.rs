//! Reading and writing `state.json`: temp file, fsync, rename, fsync of the directory.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anet_protocol::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::format::{State, VERSION};
use crate::failpoint::Failpoint;

/// How many changes one write may carry.
const LARGEST_BATCH: usize = 1024;
/// How the names of temporary files begin.
const TEMPORARY: &str = ".state-";

/// The state could not be written, so what was to be reported did not happen.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot write {}: {reason}", path.display())]
pub(crate) struct StateError {
    path: PathBuf,
    reason: String,
}

/// The state in memory and the task that writes it.
#[derive(Clone, Debug)]
pub(crate) struct StateStore {
    path: PathBuf,
    state: Arc<Mutex<State>>,
    written: mpsc::Sender<oneshot::Sender<Result<(), StateError>>>,
}

impl StateStore {
    /// The store, and the writer that must be awaited after the last clone of the store is dropped.
    pub(crate) fn new(path: PathBuf, state: State, failpoint: Failpoint) -> (Self, impl Future<Output = ()> + use<>) {
        let (written, requests) = mpsc::channel(LARGEST_BATCH);
        let state = Arc::new(Mutex::new(state));
        let writer = write_requested(path.clone(), Arc::clone(&state), requests, failpoint);
        (Self { path, state, written }, writer)
    }

    /// Changes the state and returns when that is on disk. Changes made at the same time share a write.
    ///
    /// # Errors
    /// When it could not be written; the change stays in memory and is written with the next one.
    pub(crate) async fn update(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        let gone = || StateError { path: self.path.clone(), reason: "the supervisor is shutting down".to_owned() };
        let (reply, answer) = oneshot::channel();
        self.written.send(reply).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn write_requested(
    path: PathBuf,
    state: Arc<Mutex<State>>,
    mut requests: mpsc::Receiver<oneshot::Sender<Result<(), StateError>>>,
    failpoint: Failpoint,
) {
    let mut waiting = Vec::new();
    while requests.recv_many(&mut waiting, LARGEST_BATCH).await > 0 {
        let snapshot = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (target, failpoint) = (path.clone(), failpoint.clone());
        let outcome = match tokio::task::spawn_blocking(move || write(&target, &snapshot, &failpoint)).await {
            Ok(outcome) => outcome,
            Err(failed) => Err(io::Error::other(failed)),
        };
        let outcome = outcome.map_err(|error| StateError { path: path.clone(), reason: error.to_string() });
        for reply in waiting.drain(..) {
            // Whoever stopped waiting does not need the answer.
            drop(reply.send(outcome.clone()));
        }
    }
}

fn write(path: &Path, state: &State, failpoint: &Failpoint) -> io::Result<()> {
    let directory = path.parent().ok_or_else(|| io::Error::other("the path has no directory"))?;
    // Temporary files of this crate are made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
    // At once: written piece by piece, the state of a hundred nodes takes ten thousand system calls.
    let mut text = serde_json::to_vec_pretty(state)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    failpoint.pass("state written aside");
    file.persist(path)?;
    failpoint.pass("state renamed");
    File::open(directory)?.sync_all()
}

/// Reads the state, or begins a new one. A file that cannot be understood is set aside under a name
/// of its own and never overwritten.
///
/// # Errors
/// When the file exists and can neither be read nor moved.
pub(crate) fn load(path: &Path, executable: &Path, now: Timestamp) -> io::Result<State> {
    remove_abandoned_temporary_files(path)?;
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::new(executable.to_owned())),
        Err(error) => return Err(error),
    };
    let problem = match serde_json::from_slice::<State>(&text) {
        Ok(mut state) if state.version <= VERSION => {
            state.version = VERSION;
            executable.clone_into(&mut state.executable);
            return Ok(state);
        }
        Ok(state) => format!("its version {} is newer than {VERSION}", state.version),
        Err(error) => error.to_string(),
    };
    let aside = path.with_file_name(format!("state.json.corrupt-{}", now.as_millis()));
    std::fs::rename(path, &aside)?;
    tracing::error!(path = %path.display(), aside = %aside.display(), problem, "the state file was set aside");
    Ok(State::new(executable.to_owned()))
}

/// A supervisor that died while it wrote leaves its temporary file behind.
fn remove_abandoned_temporary_files(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use anet_protocol::control::Desired;

    use super::*;
    use crate::state_file::{History, NodeRecord};

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
        let (store, writer) = StateStore::new(path.clone(), State::new("/x".into()), Failpoint::default());
        let writer = tokio::spawn(writer);
        let updates = (0..100).map(|index| {
            let store = store.clone();
            async move { store.update(|state| state.nodes.push(node(&format!("n{index}")))).await }
        });
        for outcome in futures_util::future::join_all(updates).await {
            outcome.unwrap();
        }
        let loaded = load(&path, Path::new("/y"), Timestamp::from_millis(0)).unwrap();
        assert_eq!((loaded.nodes.len(), loaded.executable), (100, PathBuf::from("/y")));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(store);
        writer.await.unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "a temporary file is left");
    }

    #[tokio::test]
    async fn a_write_that_fails_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) =
            StateStore::new(directory.path().join("gone/state.json"), State::new("/x".into()), Failpoint::default());
        let writer = tokio::spawn(writer);
        let error = store.update(|state| state.nodes.push(node("n"))).await.unwrap_err();
        assert!(error.to_string().contains("gone/state.json"), "{error}");
        drop(store);
        writer.await.unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_kept_aside() {
        for text in ["", "{\"version\":1", "[]", "{\"version\":99,\"executable\":\"/x\",\"hub\":null,\"nodes\":[]}"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("state.json");
            std::fs::write(&path, text).unwrap();
            std::fs::write(directory.path().join(".state-abc"), "{\"ver").unwrap();
            let state = load(&path, Path::new("/x"), Timestamp::from_millis(7)).unwrap();
            assert_eq!(state, State::new("/x".into()));
            assert_eq!(std::fs::read_to_string(directory.path().join("state.json.corrupt-7")).unwrap(), text);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn the_file_of_the_version_with_the_hubs_variables_is_understood() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        std::fs::write(&path, include_str!("../../tests/fixtures/state-version-1-with-variables.json")).unwrap();
        let state = load(&path, Path::new("/x"), Timestamp::from_millis(0)).unwrap();
        let hub = state.hub.unwrap();
        assert_eq!((hub.settings.variables.0.len(), hub.desired), (1, Desired::Stopped));
        let desired: Vec<_> = state.nodes.iter().map(|node| node.desired).collect();
        assert_eq!(desired, [Desired::Running, Desired::Stopped]);
        assert!(state.nodes[0].process.as_ref().unwrap().leader.is_none());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "it was set aside");
    }

    #[test]
    fn the_first_version_of_the_file_is_understood() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        std::fs::write(&path, include_str!("../../tests/fixtures/state-version-1.json")).unwrap();
        let state = load(&path, Path::new("/x"), Timestamp::from_millis(0)).unwrap();
        assert_eq!(state.hub.unwrap().settings.listen.port(), 9200);
        assert_eq!(state.nodes[0].process.as_ref().unwrap().leader.unwrap().start_time, 123_456);
    }
}
