//! The last lines of all logs, read backwards.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::Contents;
use super::cursor::{Cursor, Position};
use super::entry::{Place, damage, log_name};
use super::reader::sort;
use super::{Entry, Filter, log_files, rotated};
use crate::rotation::keep_names;

/// What there is in some place of a log.
enum Found<'bytes> {
    /// A complete line.
    Line(&'bytes [u8]),
    /// A place that cannot be read.
    Damage(&'bytes io::Error),
}

/// The last `count` lines that the filter accepts, oldest first, and the place before the first of them.
pub(super) fn last_entries(directory: &Path, count: usize, filter: &Filter) -> (Vec<Entry>, Cursor) {
    let mut entries = Vec::new();
    let mut cursor = Cursor::default();
    for log in log_files(directory) {
        match tail(&log, count, filter) {
            Ok((found, end)) => {
                cursor.0.insert(log_name(&log), end);
                entries.extend(found);
            }
            Err(error) => tracing::debug!(path = %log.display(), %error, "cannot read a log"),
        }
    }
    sort(&mut entries);
    let entries = entries.split_off(entries.len().saturating_sub(count));
    for entry in entries.iter().rev() {
        let Place { log, id, from, .. } = &entry.place;
        cursor.0.insert(Arc::clone(log), Position { id: *id, offset: *from });
    }
    (entries, cursor)
}

/// The last lines of one log and of the files rotated before it, oldest first; where its last
/// complete line ends.
fn tail(log: &Path, count: usize, filter: &Filter) -> io::Result<(Vec<Entry>, Position)> {
    let mut found = Vec::new();
    let mut end = None;
    let mut is_done = count == 0;
    for (path, file) in files(log)? {
        if is_done && end.is_some() {
            break;
        }
        let (name, id) = (log_name(log), file.id());
        let complete = backwards(&file, |what, range| {
            if is_done {
                return false;
            }
            let place = Place { log: Arc::clone(&name), id, from: range.start, to: range.end };
            let entry = match what {
                Found::Line(line) => Entry::parse(line, place),
                Found::Damage(error) => damage(&path, error, place),
            };
            // What has no time belongs to a line that is still to come, so it is judged later.
            is_done = filter.is_too_old(&entry);
            if !is_done && filter.accepts(&entry) {
                found.push(entry);
            }
            is_done |= found.len() >= count;
            !is_done
        })?;
        end.get_or_insert(Position { id, offset: complete });
    }
    found.reverse();
    if filter.has_since() {
        let first = found.iter().position(|entry| entry.at.is_some() || entry.is_notice).unwrap_or(found.len());
        found.drain(..first);
    }
    let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok((found, end))
}

/// The log and those rotated before it, newest first.
fn files(log: &Path) -> io::Result<Vec<(PathBuf, Contents)>> {
    let _names = keep_names(log)?;
    let paths = std::iter::once(log.to_owned()).chain(rotated(log));
    paths.map(|path| Contents::open(&path).map(|file| (path, file))).collect()
}

/// Gives each complete line with its place, last one first, until `take` has enough; where the last
/// one ends. What cannot be read of a compressed log is given as damage.
fn backwards(file: &Contents, mut take: impl FnMut(Found<'_>, Range<u64>) -> bool) -> io::Result<u64> {
    let mut start = file.length();
    let mut end = None;
    // From `start` to the end of what is not given out yet.
    let mut bytes: Vec<u8> = Vec::new();
    while start > 0 {
        let range = file.before(start);
        let until = start;
        start = range.start;
        let mut head = match file.read(&range) {
            Ok(head) => head,
            Err(error) if file.is_compressed() => {
                end.get_or_insert(until);
                // Members hold whole lines, so what stands at the beginning of the next is whole too.
                let to = until + bytes.len() as u64;
                let is_enough = !bytes.is_empty() && !take(Found::Line(&bytes), until..to);
                bytes.clear();
                if is_enough || !take(Found::Damage(&error), range) {
                    return Ok(end.unwrap_or_default());
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        head.append(&mut bytes);
        bytes = head;
        if end.is_none() {
            // Without the unfinished line.
            bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |last| last + 1));
            if bytes.is_empty() && start > 0 {
                continue;
            }
            end = Some(start + bytes.len() as u64);
        }
        let mut until = bytes.len();
        while until > 0 {
            let from = match memchr::memrchr(b'\n', &bytes[..until - 1]) {
                Some(before) => before + 1,
                None if start == 0 => 0,
                None => break,
            };
            if !take(Found::Line(&bytes[from..until]), start + from as u64..start + until as u64) {
                return Ok(end.unwrap_or_default());
            }
            until = from;
        }
        bytes.truncate(until);
    }
    Ok(end.unwrap_or_default())
}
