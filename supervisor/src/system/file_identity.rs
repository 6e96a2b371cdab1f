//! Whether a file is still the one that was read.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A file as it is now: device, inode, time of the last change, length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    length: u64,
}

impl FileIdentity {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        })
    }
}
