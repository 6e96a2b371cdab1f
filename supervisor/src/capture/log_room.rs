//! How much of the disk all logs together may take (R63).

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use nix::sys::statvfs::statvfs;

use crate::rotation::is_older;

/// R63.
const DEFAULT_MAX: u64 = 1 << 30;
/// R63: 5 %.
const DEFAULT_PART: u64 = 20;

/// Every log directory, and what they may hold together.
#[derive(Debug)]
pub(crate) struct LogRoom {
    home: PathBuf,
    /// Bytes; where absent 1 GiB, or 5 % of the disk if that is less.
    max: Option<u64>,
    directories: Mutex<BTreeSet<PathBuf>>,
}

/// A log that nobody writes any more.
struct Older {
    changed: SystemTime,
    path: PathBuf,
    bytes: u64,
}

impl LogRoom {
    pub(crate) fn new(home: PathBuf, max: Option<u64>) -> Self {
        Self { home, max, directories: Mutex::default() }
    }

    /// Counts this directory from now on.
    pub(super) fn add(&self, directory: &Path) {
        self.directories.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.to_owned());
    }

    fn max(&self) -> u64 {
        self.max.unwrap_or_else(|| match statvfs(&self.home) {
            Ok(disk) => DEFAULT_MAX.min(disk.blocks() * disk.fragment_size() / DEFAULT_PART),
            Err(_) => DEFAULT_MAX,
        })
    }

    /// Deletes the oldest of the rotated logs until all of them fit.
    pub(super) fn keep(&self) {
        let directories = self.directories.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut total, mut older) = (0, Vec::new());
        for entry in directories.iter().filter_map(|directory| std::fs::read_dir(directory).ok()).flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let (true, Ok(changed)) = (metadata.is_file(), metadata.modified()) else { continue };
            // What it takes, not how long it says it is.
            let bytes = metadata.blocks() * 512;
            total += bytes;
            if is_older(&entry.path()) {
                older.push(Older { changed, path: entry.path(), bytes });
            }
        }
        older.sort_by_key(|log| log.changed);
        let max = self.max();
        for log in older {
            if total <= max {
                return;
            }
            match std::fs::remove_file(&log.path) {
                Ok(()) => tracing::info!(path = %log.path.display(), "an old log made room for newer ones"),
                Err(error) => tracing::warn!(path = %log.path.display(), %error, "cannot delete an old log"),
            }
            total = total.saturating_sub(log.bytes);
        }
    }
}
