//! Reading one raw file: lines as they become complete, and what happens when there are too many.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use anet_protocol::redaction::{RedactingLines, Redactor};

use super::position::{Dropped, StreamPosition};
use super::raw_file::first_data;

/// Read at once.
const CHUNK: usize = 64 * 1024;
/// A process that is this far ahead writes faster than its lines can be kept.
pub(super) const LARGEST_BACKLOG: u64 = 8 * 1024 * 1024;
/// What of a backlog is kept: its end, which tells most about what comes next.
pub(super) const KEPT_OF_BACKLOG: u64 = 1024 * 1024;
/// No more is dropped in one step, so that others have their turn.
const DROPPED_PER_STEP: u64 = 64 * 1024 * 1024;

/// A raw file and how far it is read.
pub(super) struct Reading {
    redactor: Arc<Redactor>,
    lines: RedactingLines,
    read_to: u64,
    dropped: Dropped,
    is_dropping: bool,
}

impl Reading {
    /// Goes on where an earlier supervisor was, or where the file begins.
    pub(super) fn resume(file: &File, position: Option<&StreamPosition>, redactor: Arc<Redactor>) -> Self {
        let position =
            position.copied().unwrap_or_else(|| StreamPosition { offset: first_data(file), ..Default::default() });
        let lines = if position.is_inside_line { RedactingLines::inside_a_line } else { RedactingLines::new };
        Self {
            lines: lines(Arc::clone(&redactor)),
            redactor,
            read_to: position.offset,
            dropped: position.dropped,
            is_dropping: false,
        }
    }

    /// What is kept or dropped for good.
    pub(super) fn position(&self) -> StreamPosition {
        StreamPosition {
            offset: self.read_to - self.lines.pending() as u64,
            is_inside_line: self.lines.is_skipping(),
            dropped: self.dropped,
        }
    }

    /// Gives complete lines to `keep` until it has enough; tells whether that is all there is now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn take(&mut self, file: &File, mut keep: impl FnMut(&str) -> bool) -> io::Result<bool> {
        let length = file.metadata()?.len();
        if length < self.read_to {
            // Somebody emptied it.
            *self = Self::resume(file, Some(&StreamPosition::default()), Arc::clone(&self.redactor));
        }
        let backlog = length - self.read_to;
        self.is_dropping |= backlog > LARGEST_BACKLOG;
        if self.is_dropping && backlog > KEPT_OF_BACKLOG {
            self.drop_lines(file, length - KEPT_OF_BACKLOG)?;
            return Ok(false);
        }
        self.is_dropping = false;
        if !self.dropped.is_none() {
            keep(&tell(self.dropped));
            self.dropped = Dropped::default();
        }
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = file.read_at(&mut buffer, self.read_to)?;
            if read == 0 {
                return Ok(true);
            }
            self.read_to += read as u64;
            let mut wants_more = true;
            for line in self.lines.push(&buffer[..read]) {
                wants_more = keep(&line);
            }
            if !wants_more {
                return Ok(false);
            }
        }
    }

    /// The unfinished line, for when its end will not come.
    pub(super) fn flush(&mut self) -> Option<String> {
        self.lines.flush()
    }

    /// Counts lines instead of keeping them, up to `target` at most.
    fn drop_lines(&mut self, file: &File, target: u64) -> io::Result<()> {
        self.dropped.bytes += self.lines.pending() as u64;
        // The line at which this ends is shown no part of: its beginning is missing.
        self.lines = RedactingLines::inside_a_line(Arc::clone(&self.redactor));
        let mut buffer = vec![0; CHUNK];
        let target = target.min(self.read_to + DROPPED_PER_STEP);
        while self.read_to < target {
            let read = file.read_at(&mut buffer, self.read_to)?;
            if read == 0 {
                break;
            }
            self.read_to += read as u64;
            self.dropped.bytes += read as u64;
            self.dropped.lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        }
        Ok(())
    }
}

/// The mark in the log.
fn tell(dropped: Dropped) -> String {
    format!(
        "… {} lines ({} bytes) dropped, because they came faster than they can be kept",
        grouped(dropped.lines),
        grouped(dropped.bytes)
    )
}

/// `123 456`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!([0, 999, 1000, 123_456_789].map(grouped), ["0", "999", "1 000", "123 456 789"]);
    }
}
