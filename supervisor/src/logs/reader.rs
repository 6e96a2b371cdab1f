//! Reads whatever is added to the logs of a directory, across rotations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cursor::{Cursor, Position};
use super::entry::{Place, log_name};
use super::open_file::OpenFile;
use super::{Entry, log_files, rotated};
use crate::rotation::{LogId, id_of, keep_names};

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
            let id = std::fs::metadata(&log).ok().map(|metadata| LogId::of(&metadata));
            let Some(known) = self.files.get_mut(&log) else {
                self.open(&log, &log, &mut entries);
                continue;
            };
            known.read_new(&mut entries);
            if Some(known.id) == id || !known.is_at_end() {
                continue;
            }
            if entries.len() > before {
                // Its last line may just have come; what follows is for the next call.
                continue;
            }
            known.take_partial(&mut entries);
            let known = known.id;
            match keep_names(&log) {
                Ok(_names) => {
                    let next = successor(&log, known).unwrap_or_else(|| log.clone());
                    self.open(&next, &log, &mut entries);
                }
                Err(error) => tracing::debug!(log = %log.display(), %error, "cannot look for the next log"),
            }
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

/// The file that a cursor's place is in, at that place. Where it was deleted a line says so, and
/// the oldest one takes its place.
fn find(log: &Path, position: Position, entries: &mut Vec<Entry>) -> Option<OpenFile> {
    let _names = keep_names(log).ok()?;
    let mut files = vec![log.to_owned()];
    files.extend(rotated(log));
    let found = files.iter().find(|path| id_of(path).is_ok_and(|id| id.is(position.id)));
    if let Some(path) = found {
        let mut file = OpenFile::open(path, log).ok()?;
        // The last supervisor may have been killed before it finished what was shown of it.
        file.position = position.offset.min(file.length());
        return Some(file);
    }
    let oldest = OpenFile::open(files.last()?, log).ok()?;
    if oldest.is_unreadable() {
        // It may be the one, and tells by itself what is missing.
        return Some(oldest);
    }
    let place = Place { log: log_name(log), id: oldest.id, from: 0, to: 0 };
    let text = format!("… lines of {} are missing here: they were rotated away", place.log);
    entries.push(Entry::notice(text, place));
    Some(oldest)
}

/// The file that was begun when this one was rotated away.
fn successor(log: &Path, id: LogId) -> Option<PathBuf> {
    let mut newer = log.to_owned();
    for older in rotated(log) {
        if id_of(&older).is_ok_and(|older| older.is(id)) {
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
