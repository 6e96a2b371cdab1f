//! Real directories and the real watcher. Where nothing is looked at by itself, only being told helps.

use std::fs;

use futures_util::StreamExt as _;

use super::*;

/// Longer than any test runs.
pub(crate) const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
/// Generous, because many tests share the machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn within_patience<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(output) = tokio::time::timeout(PATIENCE, future).await else { panic!("in vain: {what}") };
    output
}

/// A watcher whose thread died.
pub(crate) fn broken_watcher() -> Arc<DirectoryWatcher> {
    let watcher = Arc::new(DirectoryWatcher::default());
    let broken = Arc::clone(&watcher);
    let thread = std::thread::spawn(move || {
        let _held = broken.watcher.lock().unwrap();
        // Without the panic hook, whose output would look like a failure.
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(thread.join().is_err());
    watcher
}

/// Looks at every item, as everybody who listens does, until it sees what must come.
async fn until(changes: &mut Changes, what: &str, is_seen: impl Fn() -> bool) {
    let seen = async {
        loop {
            changes.next().await;
            if is_seen() {
                return;
            }
        }
    };
    within_patience(what, seen).await;
}

/// Each change needs an item of its own; one that was left over from before can serve the first at most.
async fn must_tell_every_change(changes: &mut Changes, directory: &Path) {
    for text in ["1", "2", "3", "4"] {
        let file = directory.join("file");
        fs::write(&file, text).unwrap();
        until(changes, text, || fs::read_to_string(&file).is_ok_and(|read| read == text)).await;
    }
}

#[tokio::test]
async fn a_file_is_replaced_as_editors_do() {
    let directory = tempfile::tempdir().unwrap();
    let (file, temporary) = (directory.path().join("config.json"), directory.path().join(".config.json.swp"));
    fs::write(&file, "0").unwrap();
    let mut changes = Arc::new(DirectoryWatcher::default()).changes(directory.path().to_owned(), NEVER);
    changes.next().await;
    for text in ["1", "2", "3"] {
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, &file).unwrap();
        until(&mut changes, text, || fs::read_to_string(&file).unwrap() == text).await;
    }
}

#[tokio::test]
async fn a_directory_is_deleted_and_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("nodes/a");
    fs::create_dir_all(&directory).unwrap();
    let mut changes = Arc::new(DirectoryWatcher::default()).changes(directory.clone(), NEVER);
    must_tell_every_change(&mut changes, &directory).await;
    // Once with its parent, and once in a breath.
    fs::remove_dir_all(parent.path().join("nodes")).unwrap();
    until(&mut changes, "gone", || !directory.exists()).await;
    fs::create_dir_all(&directory).unwrap();
    must_tell_every_change(&mut changes, &directory).await;
    fs::remove_dir_all(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    must_tell_every_change(&mut changes, &directory).await;
}

#[tokio::test]
async fn a_directory_is_deleted_while_a_process_is_in_it() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a");
    fs::create_dir(&directory).unwrap();
    let _held = fs::File::open(&directory).unwrap();
    let mut changes = Arc::new(DirectoryWatcher::default()).changes(directory.clone(), NEVER);
    must_tell_every_change(&mut changes, &directory).await;
    fs::remove_dir_all(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    must_tell_every_change(&mut changes, &directory).await;
}

#[tokio::test]
async fn a_directory_is_replaced_by_another_and_comes_into_being_late() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("not/yet/there");
    let mut changes = Arc::new(DirectoryWatcher::default()).changes(directory.clone(), NEVER);
    changes.next().await;
    fs::create_dir_all(&directory).unwrap();
    until(&mut changes, "there", || directory.exists()).await;
    must_tell_every_change(&mut changes, &directory).await;
    let other = parent.path().join("not/yet/other");
    fs::create_dir(&other).unwrap();
    fs::rename(&directory, parent.path().join("old")).unwrap();
    fs::rename(&other, &directory).unwrap();
    must_tell_every_change(&mut changes, &directory).await;
}

#[tokio::test]
async fn who_stops_listening_leaves_the_others_theirs_and_the_last_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let (outer, inner) = (parent.path().join("a"), parent.path().join("a/logs"));
    fs::create_dir_all(&inner).unwrap();
    let watcher = Arc::new(DirectoryWatcher::default());
    let mut first = watcher.changes(outer.clone(), NEVER);
    // Watches `outer` too, as the directory above, and the same directory as the third.
    let mut second = watcher.changes(inner.clone(), NEVER);
    let mut third = watcher.changes(inner.clone(), NEVER);
    for changes in [&mut first, &mut second, &mut third] {
        changes.next().await;
    }
    drop(second);
    must_tell_every_change(&mut first, &outer).await;
    must_tell_every_change(&mut third, &inner).await;
    drop(first);
    must_tell_every_change(&mut third, &inner).await;
    drop(third);
    assert!(lock(&watcher.listeners).is_empty());
    within_patience("the watcher's end", async {
        while watcher.watcher.lock().unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut fourth = watcher.changes(inner.clone(), NEVER);
    must_tell_every_change(&mut fourth, &inner).await;
}

#[tokio::test]
async fn what_cannot_be_watched_is_looked_at_and_the_log_says_so_once() {
    let directory = tempfile::tempdir().unwrap();
    let broken = broken_watcher();
    for _ in 0..2 {
        let mut changes = broken.changes(directory.path().to_owned(), Duration::from_millis(10));
        must_tell_every_change(&mut changes, directory.path()).await;
    }
    assert_eq!(*lock(&broken.warned), BTreeSet::from([directory.path().to_owned()]));
    assert!(lock(&broken.listeners).is_empty());
    let sound = Arc::new(DirectoryWatcher::default());
    let mut changes = sound.changes("/proc/self".into(), Duration::from_millis(10));
    within_patience("items without any change", changes.by_ref().take(3).count()).await;
    assert!(lock(&sound.warned).contains(Path::new("/proc/self")));
}
