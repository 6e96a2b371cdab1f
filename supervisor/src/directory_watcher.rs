//! Tells that a directory changed. The operating system says so, and waiting for it costs nothing (R7).
//!
//! One watcher of the crate `notify` serves everybody: each is a thread and an inotify instance, of
//! which Linux gives a user 128 in all (`fs.inotify.max_user_instances`), and a hundred nodes may
//! need attention at once. It exists only while somebody listens.

mod listener;
mod silent_file_system;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::time::MissedTickBehavior;

use listener::{Listener, Listeners};
use silent_file_system::refuse_silent_file_system;

/// An item says: look now. The first one comes at once, later ones after every change of the
/// directory or of the files in it, several changes may share one, and some mean nothing.
pub(crate) type Changes = Pin<Box<dyn Stream<Item = ()> + Send + Sync>>;

/// Why a directory cannot be watched.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("the kind of file system of {} is unknown: {error}", path.display())]
    FileSystem { path: PathBuf, error: nix::Error },
    #[error("the file system of {} does not tell every change", .0.display())]
    Silent(PathBuf),
    #[error(transparent)]
    Refused(#[from] notify::Error),
    #[error("the watcher's thread is gone")]
    ThreadGone,
}

/// Watches directories for all who listen.
#[derive(Default)]
pub(crate) struct DirectoryWatcher {
    /// Locked before `listeners`; poisoned when the watcher's thread died. The callback never takes
    /// it: whoever holds it may be waiting for the callback's thread.
    watcher: Mutex<Option<RecommendedWatcher>>,
    listeners: Arc<Mutex<Listeners>>,
    /// Directories whose failure is in the log already.
    warned: Mutex<BTreeSet<PathBuf>>,
}

impl DirectoryWatcher {
    /// The changes of a directory, which may vanish, come back, or not be there yet. One that cannot
    /// be watched is said to have changed every `interval`.
    pub(crate) fn changes(self: &Arc<Self>, directory: PathBuf, interval: Duration) -> Changes {
        let watcher = Arc::clone(self);
        Box::pin(async_stream::stream! {
            let mut listening = watcher.listen(&directory).await;
            let error = loop {
                match &mut listening {
                    Ok(listening) => {
                        // Only now, so that no change falls between looking and listening.
                        yield ();
                        if !listening.is_moved().await {
                            continue;
                        }
                    }
                    Err(error) => break error,
                }
                // The old one goes after the new one is there, so that no watch is lost between them.
                listening = watcher.listen(&directory).await;
            };
            watcher.warn(&directory, error, interval);
            let mut look = tokio::time::interval(interval);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                look.tick().await;
                yield ();
            }
        })
    }

    async fn listen(self: &Arc<Self>, directory: &Path) -> Result<Listening, WatchError> {
        let (watcher, directory) = (Arc::clone(self), directory.to_owned());
        // It waits for the watcher's thread, and `notify` panics when that is gone.
        let listening = tokio::task::spawn_blocking(move || watcher.listen_blocking(&directory));
        listening.await.unwrap_or(Err(WatchError::ThreadGone))
    }

    fn listen_blocking(self: &Arc<Self>, directory: &Path) -> Result<Listening, WatchError> {
        loop {
            let places = places(directory);
            let watched = self.watch(directory, &places);
            // What came or went meanwhile may have told nobody.
            if places == self::places(directory) {
                return watched;
            }
        }
    }

    fn watch(self: &Arc<Self>, directory: &Path, places: &[PathBuf]) -> Result<Listening, WatchError> {
        for place in places {
            refuse_silent_file_system(place)?;
        }
        // Before the lock, which its end takes too; before the watch, whose first event it hears.
        let listening = Listening::begin(Arc::clone(self), directory, places);
        let mut watcher = self.watcher.lock().map_err(|_| WatchError::ThreadGone)?;
        if watcher.is_none() {
            let listeners = Arc::clone(&self.listeners);
            *watcher = Some(notify::recommended_watcher(move |event| lock(&listeners).tell(event))?);
        }
        for place in places {
            watcher.as_mut().ok_or(WatchError::ThreadGone)?.watch(place, RecursiveMode::NonRecursive)?;
        }
        Ok(listening)
    }

    /// Watches no longer what nobody needs, if that is still so.
    fn forget(&self, places: &[PathBuf]) {
        let Ok(mut watcher) = self.watcher.lock() else { return };
        if lock(&self.listeners).is_empty() {
            *watcher = None;
            return;
        }
        let Some(watcher) = &mut *watcher else { return };
        for place in places {
            // Whoever came meanwhile is on the list, and watches it once this lock is free.
            if lock(&self.listeners).is_watched(place) {
                continue;
            }
            if let Err(error) = watcher.unwatch(place) {
                // The watch of a directory that was deleted is gone with it.
                tracing::debug!(%error, "a watch had ended");
            }
        }
    }

    fn warn(&self, directory: &Path, error: &WatchError, interval: Duration) {
        if lock(&self.warned).insert(directory.to_owned()) {
            let directory = directory.display();
            tracing::warn!(%directory, %error, ?interval, "cannot watch a directory, so it is looked at again and again");
        }
    }
}

/// Being told, until it is dropped.
struct Listening {
    watcher: Arc<DirectoryWatcher>,
    listener: Arc<Listener>,
    told: tokio::sync::watch::Receiver<bool>,
}

impl Listening {
    fn begin(watcher: Arc<DirectoryWatcher>, directory: &Path, places: &[PathBuf]) -> Self {
        let (listener, told) = Listener::new(directory, places);
        let listener = Arc::new(listener);
        lock(&watcher.listeners).add(&listener);
        Self { watcher, listener, told }
    }

    /// Waits for a change; tells whether the directory itself came or went, so that others must be watched.
    async fn is_moved(&mut self) -> bool {
        // The sender lives in `listener`.
        self.told.changed().await.is_err() || *self.told.borrow_and_update()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let unused = lock(&self.watcher.listeners).remove(&self.listener);
        if unused.is_empty() {
            return;
        }
        let watcher = Arc::clone(&self.watcher);
        let forget = move || watcher.forget(&unused);
        // It waits for the watcher's thread, and whoever drops this has more to do.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(forget)),
            Err(_) => forget(),
        }
    }
}

/// What must be watched: the directory, if it is there, and the nearest one above it, which tells
/// when it comes, is renamed, or is deleted while a process holds it open.
fn places(directory: &Path) -> Vec<PathBuf> {
    let count = if directory.is_dir() { 2 } else { 1 };
    directory.ancestors().filter(|path| path.is_dir()).take(count).map(Path::to_owned).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
