//! One file of a log, read forward line by line.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use super::Entry;
use super::entry::{Place, log_name};

/// No more is read at once.
pub(super) const LARGEST_READ: u64 = 1024 * 1024;
/// Longer lines are shown in pieces.
const LONGEST_LINE: usize = 128 * 1024;

/// A file at the place up to which it was read. It stays open while it is renamed.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    log: Arc<str>,
    pub(super) inode: u64,
    pub(super) position: u64,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
}

impl OpenFile {
    /// Opens `path`, a file of the log `log`.
    pub(super) fn open(path: &Path, log: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self { file, log: log_name(log), inode, position: 0, partial: Vec::new() })
    }

    pub(super) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.length()
    }

    /// Adds the lines that are complete now, as far as one read goes.
    pub(super) fn read_new(&mut self, entries: &mut Vec<Entry>) {
        if self.position > self.length() {
            // Emptied in place.
            self.position = 0;
            self.partial.clear();
        }
        let mut bytes = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(self.position))
            .and_then(|_| (&mut self.file).take(LARGEST_READ).read_to_end(&mut bytes));
        if let Err(error) = read {
            tracing::debug!(%error, "cannot read a log");
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            self.position += piece.len() as u64;
            if piece.ends_with(b"\n") || self.partial.len() >= LONGEST_LINE {
                self.take_partial(entries);
            }
        }
    }

    /// Adds what there is of the last line: its end will not come.
    pub(super) fn take_partial(&mut self, entries: &mut Vec<Entry>) {
        if !self.partial.is_empty() {
            let from = self.position - self.partial.len() as u64;
            let place = Place { log: Arc::clone(&self.log), inode: self.inode, from, to: self.position };
            let mut entry = Entry::parse(&self.partial, place);
            entry.is_cut = !self.partial.ends_with(b"\n");
            entries.push(entry);
            self.partial.clear();
        }
    }
}
