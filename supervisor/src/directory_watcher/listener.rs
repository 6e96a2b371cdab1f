//! Whom an event concerns.

use std::path::{Path, PathBuf};

use tokio::sync::watch;

/// One who wants to know about a directory.
pub(super) struct Listener {
    directory: PathBuf,
    /// What is watched for it.
    pub(super) places: Vec<PathBuf>,
    /// Marked as changed by every change; true once the directory itself or one above it came or went.
    tell: watch::Sender<bool>,
}

impl Listener {
    pub(super) fn new(directory: &Path, places: &[PathBuf]) -> (Self, watch::Receiver<bool>) {
        let (tell, told) = watch::channel(false);
        (Self { directory: directory.to_owned(), places: places.to_owned(), tell }, told)
    }

    fn hear(&self, path: &Path) {
        let is_moved = self.directory.starts_with(path);
        if is_moved || path.parent() == Some(&self.directory) {
            self.tell(is_moved);
        }
    }

    fn tell(&self, is_moved: bool) {
        self.tell.send_modify(|was_moved| *was_moved |= is_moved);
    }
}

/// Passes an event on. Runs in the watcher's thread, so it must not wait.
pub(super) fn tell(listeners: &[std::sync::Arc<Listener>], event: notify::Result<notify::Event>) {
    match event {
        // Opening and reading change nothing; what listeners do next would wake them for ever.
        Ok(event) if event.kind.is_access() => {}
        Ok(event) if !event.need_rescan() => {
            for listener in listeners {
                for path in &event.paths {
                    listener.hear(path);
                }
            }
        }
        // Events were lost, and nobody knows which.
        lost => {
            if let Err(error) = lost {
                tracing::debug!(%error, "changes of directories are missed");
            }
            for listener in listeners {
                listener.tell(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use notify::event::{AccessKind, AccessMode, CreateKind, Flag, RemoveKind};
    use notify::{Event, EventKind};

    use super::*;

    /// What a listener on `/a/b` hears: nothing, a change, or that the directory itself came or went.
    fn heard(event: notify::Result<Event>) -> Option<bool> {
        let (listener, mut told) = Listener::new(Path::new("/a/b"), &[]);
        let listeners = [Arc::new(listener)];
        tell(&listeners, event);
        told.has_changed().unwrap().then(|| *told.borrow_and_update())
    }

    #[test]
    fn a_change_is_heard_in_the_directory_and_above_it_and_nowhere_else() {
        let created = |path: &str| heard(Ok(Event::new(EventKind::Create(CreateKind::Any)).add_path(path.into())));
        assert_eq!(created("/a/b/file"), Some(false));
        assert_eq!(created("/a/b"), Some(true));
        assert_eq!(created("/a"), Some(true));
        for path in ["/a/c", "/a/bc", "/a/b/c/file", "/x"] {
            assert_eq!(created(path), None, "{path}");
        }
    }

    #[test]
    fn looking_wakes_nobody() {
        for kind in [AccessKind::Open(AccessMode::Any), AccessKind::Close(AccessMode::Write)] {
            for path in ["/a/b", "/a/b/file"] {
                assert_eq!(heard(Ok(Event::new(EventKind::Access(kind)).add_path(path.into()))), None, "{path}");
            }
        }
    }

    #[test]
    fn lost_events_wake_everybody() {
        assert_eq!(heard(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))), Some(true));
        assert_eq!(heard(Err(notify::Error::generic("broken"))), Some(true));
    }

    #[test]
    fn a_move_is_not_forgotten_over_a_later_change() {
        let (listener, told) = Listener::new(Path::new("/a/b"), &[]);
        let removed = |path: &str| Ok(Event::new(EventKind::Remove(RemoveKind::Any)).add_path(path.into()));
        let listeners = [Arc::new(listener)];
        tell(&listeners, removed("/a/b"));
        tell(&listeners, removed("/a/b/file"));
        assert!(*told.borrow());
    }
}
