//! The bytes of a log's file, compressed or not, at the places that they were written to.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::rotation::{CompressedLog, LogId, is_compressed};

/// No more of a file that is not compressed is read at once.
pub(super) const LARGEST_READ: u64 = 1024 * 1024;

/// A file of a log.
#[derive(Debug)]
pub(super) enum Contents {
    /// As it was written, and perhaps still is.
    Plain(File, LogId),
    /// Nobody writes it any more.
    Compressed(CompressedLog),
}

impl Contents {
    /// Opens it. It stays what it is while it is renamed, compressed or deleted.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if is_compressed(path) {
            return CompressedLog::open(file).map(Self::Compressed);
        }
        let id = LogId::of(&file.metadata()?);
        Ok(Self::Plain(file, id))
    }

    pub(super) fn id(&self) -> LogId {
        match self {
            Self::Plain(_, id) => *id,
            Self::Compressed(log) => log.id,
        }
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Plain(file, _) => file.metadata().map_or(0, |metadata| metadata.len()),
            Self::Compressed(log) => log.length,
        }
    }

    /// What is read at once of what begins at `offset`.
    pub(super) fn behind(&self, offset: u64) -> Range<u64> {
        let end = match self {
            Self::Compressed(log) if offset < log.length => log.around(offset).end,
            _ => self.length().min(offset.saturating_add(LARGEST_READ)),
        };
        offset..end.max(offset)
    }

    /// What is read at once of what ends at `offset`, which must not be the beginning.
    pub(super) fn before(&self, offset: u64) -> Range<u64> {
        let start = match self {
            Self::Plain(..) => offset.saturating_sub(LARGEST_READ),
            Self::Compressed(log) => log.around(offset.saturating_sub(1)).start,
        };
        start..offset
    }

    /// Reads a range that one of the two above gave; less where the file was cut meanwhile.
    ///
    /// # Errors
    /// When it cannot be read. Nothing of that range of a compressed log can be read then, ever.
    pub(super) fn read(&self, range: &Range<u64>) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(file, _) => {
                let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
                let mut filled = 0;
                while filled < bytes.len() {
                    match file.read_at(&mut bytes[filled..], range.start + filled as u64)? {
                        0 => break,
                        read => filled += read,
                    }
                }
                bytes.truncate(filled);
                Ok(bytes)
            }
            Self::Compressed(log) => {
                let mut bytes = log.read_around(range.start)?;
                let from = log.around(range.start).start;
                bytes.truncate(usize::try_from(range.end - from).map_err(io::Error::other)?);
                bytes.drain(..usize::try_from(range.start - from).map_err(io::Error::other)?);
                Ok(bytes)
            }
        }
    }

    /// Whether it is one that a failed read will not be tried again of.
    pub(super) const fn is_compressed(&self) -> bool {
        matches!(self, Self::Compressed(_))
    }
}
