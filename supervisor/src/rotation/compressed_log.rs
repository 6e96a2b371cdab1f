//! Reading a compressed log at any place.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use super::log_id::LogId;
use super::member::{HEADER, Member};

/// A compressed log and where its members are. At most one of them is in memory at a time.
#[derive(Debug)]
pub(crate) struct CompressedLog {
    file: File,
    pub(crate) id: LogId,
    /// Bytes of the log before it was compressed.
    pub(crate) length: u64,
    members: Vec<(u64, Member)>,
}

impl CompressedLog {
    /// Finds the members. Behind the first header that is damaged nothing of the log can be read; what
    /// cannot be read counts as one byte where not even its length is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn open(file: File) -> io::Result<Self> {
        let id = Self::id_of(&file)?;
        let mut log = Self { file, id, length: 1, members: Vec::new() };
        let (mut at, mut from) = (0, 0);
        while let Some(member) = header(&log.file, at)?.filter(|member| member.id == id && member.from == from) {
            log.members.push((at, member));
            at += u64::from(member.size);
            from += u64::from(member.length);
        }
        if let Some((_, first)) = log.members.first() {
            log.length = first.log_length;
        }
        Ok(log)
    }

    /// Which file was compressed; this one itself where that cannot be told.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn id_of(file: &File) -> io::Result<LogId> {
        Ok(header(file, 0)?.map_or(LogId::of(&file.metadata()?), |first| first.id))
    }

    /// Whether nothing can be read, not even which log it is.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.members.is_empty()
    }

    /// The place that is read together with the byte at `offset`, which must be within the log.
    pub(crate) fn around(&self, offset: u64) -> Range<u64> {
        match self.member(offset) {
            Some((_, member)) => member.from..member.from + u64::from(member.length),
            None => self.members.last().map_or(0, |(_, last)| last.from + u64::from(last.length))..self.length,
        }
    }

    /// The bytes of the log around `offset`.
    ///
    /// # Errors
    /// When they are damaged.
    pub(crate) fn read_around(&self, offset: u64) -> io::Result<Vec<u8>> {
        let (at, member) = self.member(offset).ok_or(io::ErrorKind::InvalidData)?;
        let mut bytes = vec![0; member.size as usize];
        self.file.read_exact_at(&mut bytes, *at)?;
        member.decompress(&bytes)
    }

    fn member(&self, offset: u64) -> Option<&(u64, Member)> {
        let behind = self.members.partition_point(|(_, member)| member.from <= offset);
        let found = self.members.get(behind.checked_sub(1)?)?;
        (offset < found.1.from + u64::from(found.1.length)).then_some(found)
    }
}

/// The header at `at`, if there is one and its member is whole.
fn header(file: &File, at: u64) -> io::Result<Option<Member>> {
    let mut header = [0; HEADER];
    match file.read_exact_at(&mut header, at) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = file.metadata()?.len();
    Ok(Member::parse(&header).filter(|member| at + u64::from(member.size) <= length))
}
