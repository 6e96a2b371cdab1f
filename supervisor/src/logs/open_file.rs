//! One file of a log, read forward line by line.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Entry;
use super::contents::Contents;
use super::entry::{Place, damage, log_name};
use crate::rotation::LogId;

/// Longer lines are shown in pieces.
const LONGEST_LINE: usize = 128 * 1024;

/// A file at the place up to which it was read. It stays open while it is renamed.
#[derive(Debug)]
pub(super) struct OpenFile {
    contents: Contents,
    path: PathBuf,
    log: Arc<str>,
    pub(super) id: LogId,
    pub(super) position: u64,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
}

impl OpenFile {
    /// Opens `path`, a file of the log `log`.
    pub(super) fn open(path: &Path, log: &Path) -> io::Result<Self> {
        let contents = Contents::open(path)?;
        let id = contents.id();
        Ok(Self { contents, path: path.to_owned(), log: log_name(log), id, position: 0, partial: Vec::new() })
    }

    pub(super) fn length(&self) -> u64 {
        self.contents.length()
    }

    /// Whether not even the name of what is in it can be read.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(&self.contents, Contents::Compressed(log) if log.is_unreadable())
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
        let range = self.contents.behind(self.position);
        let bytes = match self.contents.read(&range) {
            Ok(bytes) => bytes,
            Err(error) if self.contents.is_compressed() && !range.is_empty() => {
                self.take_partial(entries);
                let place = Place { log: Arc::clone(&self.log), id: self.id, from: range.start, to: range.end };
                entries.push(damage(&self.path, &error, place));
                self.position = range.end;
                return;
            }
            Err(error) => {
                tracing::debug!(path = %self.path.display(), %error, "cannot read a log");
                return;
            }
        };
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
            let place = Place { log: Arc::clone(&self.log), id: self.id, from, to: self.position };
            let mut entry = Entry::parse(&self.partial, place);
            entry.is_cut = !self.partial.ends_with(b"\n");
            entries.push(entry);
            self.partial.clear();
        }
    }
}
