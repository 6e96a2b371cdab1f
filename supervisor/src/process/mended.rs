//! Waiting until a person mends the files of a process that was given up (R12).

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;

use super::Process;
use crate::directory_watcher::Changes;
use crate::launch::Program;

/// Editors save in several steps; a file that is written half need not be tried.
const SETTLING: Duration = Duration::from_millis(150);

/// Sizes and times of the files whose change may mend a process; absent ones have none.
type Fingerprint = Vec<Option<(u64, SystemTime)>>;

impl Process {
    /// An item for every change of its files from now on; `None` when no file can mend it.
    pub(super) fn mended(&self) -> Option<Changes> {
        let Program::Node(node) = &self.program else { return None };
        let files = [node.config_path(), node.dot_env_path()];
        // Taken now: what is changed from here on may mend it.
        let before = fingerprint(&files);
        let watcher = Arc::clone(&self.context.directory_watcher);
        let mut changes = watcher.changes(node.directory(), self.context.settings.mended_interval);
        Some(Box::pin(async_stream::stream! {
            while changes.next().await.is_some() {
                tokio::time::sleep(SETTLING).await;
                if fingerprint(&files) != before {
                    yield ();
                }
            }
        }))
    }
}

fn fingerprint(files: &[PathBuf]) -> Fingerprint {
    let look = |path: &PathBuf| {
        let metadata = std::fs::symlink_metadata(path).ok()?;
        // The time of the last change of mode or owner counts too: chmod mends a `.env`.
        let changed = metadata.ctime_nsec().unsigned_abs() ^ metadata.ctime().unsigned_abs().rotate_left(32);
        Some((metadata.len() ^ changed, metadata.modified().ok()?))
    };
    files.iter().map(look).collect()
}
