//! Reads whatever is added to the logs of a directory, across rotations.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anet_protocol::control::LogStream;

use super::cursor::{Cursor, Position};
use super::entry::{Place, log_name};
use super::open_file::OpenFile;
use super::{Entry, log_files, rotated};

/// Every log, read up to some place.
#[derive(Debug)]
pub(super) struct LogReader {
    directory: PathBuf,
    files: BTreeMap<PathBuf, OpenFile>,
}

impl LogReader {
    /// Goes on behind `cursor`; logs that it does not name are read from their beginning.
    pub(super) fn resume(directory: &Path, cursor: &Cursor, entries: &mut Vec<Entry>) -> Self {
        let mut reader = Self { directory: directory.to_owned(), files: BTreeMap::new() };
        for log in log_files(directory) {
            let Some(position) = cursor.0.get(&log_name(&log)) else { continue };
            if let Some(file) = find(&log, *position, entries) {
                reader.files.insert(log, file);
            }
        }
        reader
    }

    /// The lines that were completed since the last call, as far as one read goes.
    pub(super) fn read_new(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for log in log_files(&self.directory) {
            let before = entries.len();
            let inode = std::fs::metadata(&log).map_or(0, |metadata| metadata.ino());
            let Some(known) = self.files.get_mut(&log) else {
                self.open(&log, &log, &mut entries);
                continue;
            };
            known.read_new(&mut entries);
            if known.inode == inode || !known.is_at_end() {
                continue;
            }
            if entries.len() > before {
                // Its last line may just have come; what follows is for the next call.
                continue;
            }
            known.take_partial(&mut entries);
            let known = known.inode;
            let next = successor(&log, known).unwrap_or_else(|| log.clone());
            self.open(&next, &log, &mut entries);
        }
        sort(&mut entries);
        entries
    }

    fn open(&mut self, path: &Path, log: &Path, entries: &mut Vec<Entry>) {
        match OpenFile::open(path, log) {
            Ok(mut file) => {
                file.read_new(entries);
                self.files.insert(log.to_owned(), file);
            }
            Err(error) => tracing::debug!(path = %path.display(), %error, "cannot open a log"),
        }
    }
}

/// The file that a cursor's inode belongs to, at its place. Where it was deleted a line says so, and
/// the oldest one takes its place.
fn find(log: &Path, position: Position, entries: &mut Vec<Entry>) -> Option<OpenFile> {
    let mut files = vec![log.to_owned()];
    files.extend(rotated(log));
    let found = files.iter().find(|path| std::fs::metadata(path).is_ok_and(|file| file.ino() == position.inode));
    if let Some(path) = found {
        let mut file = OpenFile::open(path, log).ok()?;
        // The last supervisor may have been killed before it finished what was shown of it.
        file.position = position.offset.min(file.length());
        return Some(file);
    }
    let oldest = OpenFile::open(files.last()?, log).ok()?;
    let place = Place { log: log_name(log), inode: oldest.inode, from: 0, to: 0 };
    entries.push(Entry {
        at: None,
        stream: LogStream::Log,
        incarnation: None,
        text: format!("… lines of {} are missing here: they were rotated away", log_name(log)),
        is_cut: false,
        place,
    });
    Some(oldest)
}

/// The file that was begun when the one with this inode was rotated away.
fn successor(log: &Path, inode: u64) -> Option<PathBuf> {
    let mut newer = log.to_owned();
    for older in rotated(log) {
        if std::fs::metadata(&older).is_ok_and(|file| file.ino() == inode) {
            return Some(newer);
        }
        newer = older;
    }
    None
}

/// By time; lines without a time stay with the one before them.
pub(super) fn sort(entries: &mut [Entry]) {
    let Some(first) = entries.first() else { return };
    if entries.iter().all(|entry| Arc::ptr_eq(&entry.place.log, &first.place.log)) {
        return;
    }
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        let key = match (&entry.at, keys.last()) {
            (None, Some(key)) => String::clone(key),
            _ => entry.sort_key().to_owned(),
        };
        keys.push(key);
    }
    let mut pairs: Vec<_> = keys.into_iter().zip(entries.iter().cloned()).collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    for (slot, (_, entry)) in entries.iter_mut().zip(pairs) {
        *slot = entry;
    }
}
