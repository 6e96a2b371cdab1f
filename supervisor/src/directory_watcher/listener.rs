//! Whom an event concerns.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

    fn tell(&self, is_moved: bool) {
        self.tell.send_modify(|was_moved| *was_moved |= is_moved);
    }
}

/// All who listen, found by the path of an event: to ask each of them for each event would take a supervisor of two
/// thousand nodes longer than all else of a start.
#[derive(Default)]
pub(super) struct Listeners {
    /// By directory.
    listening: BTreeMap<PathBuf, Vec<Arc<Listener>>>,
    /// For how many each place is watched.
    places: HashMap<PathBuf, usize>,
}

impl Listeners {
    pub(super) fn add(&mut self, listener: &Arc<Listener>) {
        self.listening.entry(listener.directory.clone()).or_default().push(Arc::clone(listener));
        for place in &listener.places {
            *self.places.entry(place.clone()).or_default() += 1;
        }
    }

    /// The places that are watched for nobody any more.
    pub(super) fn remove(&mut self, listener: &Arc<Listener>) -> Vec<PathBuf> {
        if let Some(others) = self.listening.get_mut(&listener.directory) {
            others.retain(|other| !Arc::ptr_eq(other, listener));
            if others.is_empty() {
                self.listening.remove(&listener.directory);
            }
        }
        let mut unused = Vec::new();
        for place in &listener.places {
            let Some(count) = self.places.get_mut(place) else { continue };
            *count -= 1;
            if *count == 0 {
                self.places.remove(place);
                unused.push(place.clone());
            }
        }
        unused
    }

    pub(super) fn is_watched(&self, place: &Path) -> bool {
        self.places.contains_key(place)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listening.is_empty()
    }

    /// Passes an event on. Runs in the watcher's thread, so it must not wait.
    pub(super) fn tell(&self, event: notify::Result<notify::Event>) {
        match event {
            // Opening and reading change nothing; what listeners do next would wake them for ever.
            Ok(event) if event.kind.is_access() => {}
            Ok(event) if !event.need_rescan() => event.paths.iter().for_each(|path| self.hear(path)),
            // Events were lost, and nobody knows which.
            lost => {
                if let Err(error) = lost {
                    tracing::debug!(%error, "changes of directories are missed");
                }
                self.listening.values().flatten().for_each(|listener| listener.tell(true));
            }
        }
    }

    fn hear(&self, path: &Path) {
        let inside = path.parent().and_then(|directory| self.listening.get(directory));
        inside.into_iter().flatten().for_each(|listener| listener.tell(false));
        // What lies below a path follows it in the order of paths.
        let from = (Bound::Included(path), Bound::Unbounded);
        let below = self.listening.range::<Path, _>(from).take_while(|(directory, _)| directory.starts_with(path));
        below.flat_map(|(_, listeners)| listeners).for_each(|listener| listener.tell(true));
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, CreateKind, Flag, RemoveKind};
    use notify::{Event, EventKind};

    use super::*;

    /// A listener on `/a/b`.
    fn one() -> (Listeners, watch::Receiver<bool>) {
        let (listener, told) = Listener::new(Path::new("/a/b"), &[]);
        let mut listeners = Listeners::default();
        listeners.add(&Arc::new(listener));
        (listeners, told)
    }

    /// What a listener on `/a/b` hears: nothing, a change, or that the directory itself came or went.
    fn heard(event: notify::Result<Event>) -> Option<bool> {
        let (listeners, mut told) = one();
        listeners.tell(event);
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
        let (listeners, told) = one();
        let removed = |path: &str| Ok(Event::new(EventKind::Remove(RemoveKind::Any)).add_path(path.into()));
        listeners.tell(removed("/a/b"));
        listeners.tell(removed("/a/b/file"));
        assert!(*told.borrow());
    }

    #[test]
    fn who_is_beside_or_within_hears_what_concerns_it_alone() {
        let mut listeners = Listeners::default();
        let mut told = Vec::new();
        for directory in ["/a", "/a/b", "/a/b/c", "/a/b-", "/a/b.c", "/a/bc"] {
            let (listener, hears) = Listener::new(Path::new(directory), &[]);
            listeners.add(&Arc::new(listener));
            told.push((directory, hears));
        }
        listeners.tell(Ok(Event::new(EventKind::Remove(RemoveKind::Any)).add_path("/a/b".into())));
        let heard = told.iter_mut().filter(|(_, hears)| hears.has_changed().unwrap());
        let heard: Vec<_> = heard.map(|(directory, hears)| (*directory, *hears.borrow_and_update())).collect();
        assert_eq!(heard, [("/a", false), ("/a/b", true), ("/a/b/c", true)]);
    }

    #[test]
    fn a_place_is_watched_until_the_last_who_needs_it_is_gone() {
        let mut listeners = Listeners::default();
        let listener = |places: [&str; 2]| Arc::new(Listener::new(Path::new("/a/b"), &places.map(PathBuf::from)).0);
        let (first, second) = (listener(["/a/b", "/a"]), listener(["/a/b", "/"]));
        listeners.add(&first);
        listeners.add(&second);
        assert_eq!(listeners.remove(&first), [PathBuf::from("/a")]);
        assert!(listeners.is_watched(Path::new("/a/b")) && !listeners.is_watched(Path::new("/a")));
        assert_eq!(listeners.remove(&second), ["/a/b", "/"].map(PathBuf::from));
        assert!(listeners.is_empty());
    }
}
