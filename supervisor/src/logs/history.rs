//! The last lines of all logs, read backwards.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use super::cursor::{Cursor, Position};
use super::entry::{Place, log_name};
use super::reader::sort;
use super::{Entry, Filter, log_files, rotated};

/// Read at once.
const BLOCK: u64 = 1024 * 1024;

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
        let Place { log, inode, from, .. } = &entry.place;
        cursor.0.insert(Arc::clone(log), Position { inode: *inode, offset: *from });
    }
    (entries, cursor)
}

/// The last lines of one log and of the files rotated before it, oldest first; where its last
/// complete line ends.
fn tail(log: &Path, count: usize, filter: &Filter) -> io::Result<(Vec<Entry>, Position)> {
    let mut found = Vec::new();
    let mut end = None;
    let mut is_done = count == 0;
    for path in std::iter::once(log.to_owned()).chain(rotated(log)) {
        if is_done && end.is_some() {
            break;
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            // Rotated away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && end.is_some() => break,
            Err(error) => return Err(error),
        };
        let (name, inode) = (log_name(log), file.metadata()?.ino());
        let complete = backwards(&file, |line, from| {
            if is_done {
                return false;
            }
            let place = Place { log: Arc::clone(&name), inode, from, to: from + line.len() as u64 };
            let entry = Entry::parse(line, place);
            // What has no time belongs to a line that is still to come, so it is judged later.
            is_done = filter.is_too_old(&entry);
            if !is_done && filter.accepts(&entry) {
                found.push(entry);
            }
            is_done |= found.len() >= count;
            !is_done
        })?;
        end.get_or_insert(Position { inode, offset: complete });
    }
    found.reverse();
    if filter.has_since() {
        let first = found.iter().position(|entry| entry.at.is_some()).unwrap_or(found.len());
        found.drain(..first);
    }
    let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok((found, end))
}

/// Gives each complete line with its offset, last one first, until `take` has enough; where the last
/// one ends.
fn backwards(file: &File, mut take: impl FnMut(&[u8], u64) -> bool) -> io::Result<u64> {
    let mut start = file.metadata()?.len();
    let mut end = None;
    // From `start` to the end of what is not given out yet.
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let block = start.min(BLOCK);
        start -= block;
        let mut head = vec![0; usize::try_from(block).map_err(io::Error::other)?];
        file.read_exact_at(&mut head, start)?;
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
            if !take(&bytes[from..until], start + from as u64) {
                return Ok(end.unwrap_or_default());
            }
            until = from;
        }
        bytes.truncate(until);
        if start == 0 {
            return Ok(end.unwrap_or_default());
        }
    }
}
