//! What a power cut leaves on the disk: the synced state, and of the changes since then as much as chance will have.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// What a disk writes as a whole or not at all, in bytes.
const SECTOR: usize = 512;

/// `<database><suffix>`.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Cuts the power of a killed hub: takes back what it had not synced, except for the sectors that `survives` keeps.
/// Gives the number of changes that were not synced.
pub(crate) fn cut_power(database: &Path, mut survives: impl FnMut() -> bool) -> io::Result<usize> {
    let mut unsynced = 0;
    for file in [database.to_owned(), beside(database, "-wal")] {
        let log = beside(&file, ".unsynced");
        if !log.exists() {
            continue;
        }
        let recorded = fs::read(&log)?;
        let changes = Change::parse(&recorded);
        let file = OpenOptions::new().write(true).open(file)?;
        for change in changes.iter().rev() {
            change.undo(&file)?;
        }
        for change in &changes {
            change.redo(&file, &mut survives)?;
        }
        unsynced += changes.len();
        fs::remove_file(log)?;
    }
    // The index of the write-ahead log is memory shared between processes, not storage.
    match fs::remove_file(beside(database, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(unsynced),
    }
}

/// One record of the shim.
struct Change<'a> {
    offset: u64,
    old_size: u64,
    before: &'a [u8],
    /// Empty where the file was cut to `offset`.
    after: &'a [u8],
}

impl<'a> Change<'a> {
    /// Reads a log. A record that the kill has cut short is of a change that had not begun.
    fn parse(mut log: &'a [u8]) -> Vec<Self> {
        let mut changes = Vec::new();
        while let Some((change, rest)) = Self::first(log) {
            changes.push(change);
            log = rest;
        }
        changes
    }

    fn first(mut log: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut number = || {
            let (bytes, rest) = log.split_first_chunk()?;
            log = rest;
            Some(u64::from_ne_bytes(*bytes))
        };
        let (offset, old_size, before, after) = (number()?, number()?, number()?, number()?);
        let (before, log) = log.split_at_checked(usize::try_from(before).ok()?)?;
        let (after, log) = log.split_at_checked(usize::try_from(after).ok()?)?;
        Some((Self { offset, old_size, before, after }, log))
    }

    fn undo(&self, file: &File) -> io::Result<()> {
        file.write_all_at(self.before, self.offset)?;
        file.set_len(self.old_size)
    }

    fn redo(&self, file: &File, survives: &mut impl FnMut() -> bool) -> io::Result<()> {
        if self.after.is_empty() {
            return if survives() { file.set_len(self.offset) } else { Ok(()) };
        }
        let mut offset = self.offset;
        for sector in self.after.chunks(SECTOR) {
            if survives() {
                file.write_all_at(sector, offset)?;
            }
            offset += sector.len() as u64;
        }
        Ok(())
    }
}

/// Chance that a seed repeats: SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Chance(pub u64);

impl Chance {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
