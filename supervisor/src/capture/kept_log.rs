//! The log that people read: `output.log`, rotated by size.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::fcntl::OFlag;

use super::position::LogEnd;
use crate::rotation::{LogId, LogRotation, id_of, older};

/// Its name in the log directory.
pub(crate) const LOG: &str = "output.log";

/// How large a log may become, and how many are kept (R63).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLimits {
    /// Bytes after which a new file is begun.
    pub(crate) max_bytes: u64,
    /// Files in all.
    pub(crate) files: u32,
}

/// What an append led to.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) end: LogEnd,
    pub(super) rotated: bool,
}

/// Takes away what was written and never finished, because the supervisor died between the log and
/// its position: it will be written again.
///
/// # Errors
/// When the log cannot be cut.
pub(super) fn recover(directory: &Path, end: Option<LogEnd>) -> io::Result<()> {
    let Some(end) = end else { return Ok(()) };
    let path = directory.join(LOG);
    let is_last = |path: &Path| id_of(path).is_ok_and(|id| id.is(end.id));
    let finished = match id_of(&path) {
        Ok(now) if now.is(end.id) => end.length,
        // The log was rotated, and nothing in the new one is finished.
        Ok(_) if older(&path).first().is_some_and(|newest| is_last(&newest.path)) => 0,
        // Somebody else put a file there, or took it away.
        _ => return Ok(()),
    };
    let file = open(&path)?;
    if file.metadata()?.len() > finished {
        file.set_len(finished)?;
    }
    Ok(())
}

/// The end of the log as it is, which is made if need be.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn end(directory: &Path) -> io::Result<LogEnd> {
    let metadata = open(&directory.join(LOG))?.metadata()?;
    Ok(LogEnd { id: LogId::of(&metadata), length: metadata.len() })
}

/// Appends whole lines. On a full disk older logs give way.
///
/// # Errors
/// When they cannot be written; nothing of them stands in the log then.
pub(super) fn append(
    directory: &Path,
    rotation: &LogRotation,
    limits: LogLimits,
    lines: &[u8],
) -> io::Result<Appended> {
    let path = directory.join(LOG);
    let mut file = open(&path)?;
    let mut metadata = file.metadata()?;
    let rotated = metadata.len() >= limits.max_bytes;
    if rotated {
        rotation.rotate(&path, limits.files)?;
        file = open(&path)?;
        metadata = file.metadata()?;
    }
    while let Err(error) = file.write_all(lines) {
        file.set_len(metadata.len())?;
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if !is_full || !remove_oldest(&path)? {
            return Err(error);
        }
    }
    let length = metadata.len() + lines.len() as u64;
    Ok(Appended { end: LogEnd { id: LogId::of(&metadata), length }, rotated })
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)
}

/// Whether there was one.
fn remove_oldest(path: &Path) -> io::Result<bool> {
    let Some(oldest) = older(path).pop() else { return Ok(false) };
    std::fs::remove_file(oldest.path)?;
    Ok(true)
}
