//! The log that people read: `output.log`, rotated by size.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::position::LogEnd;

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
    let inode = |path: &Path| std::fs::metadata(path).ok().map(|metadata| metadata.ino());
    let path = directory.join(LOG);
    let finished = match inode(&path) {
        Some(now) if now == end.inode => end.length,
        // The log was rotated, and nothing in the new one is finished.
        Some(_) if inode(&numbered(&path, 1)) == Some(end.inode) => 0,
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
    Ok(LogEnd { inode: metadata.ino(), length: metadata.len() })
}

/// Appends whole lines. On a full disk older logs give way.
///
/// # Errors
/// When they cannot be written; nothing of them stands in the log then.
pub(super) fn append(directory: &Path, limits: LogLimits, lines: &[u8]) -> io::Result<Appended> {
    let path = directory.join(LOG);
    let mut file = open(&path)?;
    let mut metadata = file.metadata()?;
    let rotated = metadata.len() >= limits.max_bytes;
    if rotated {
        rotate(&path, limits.files)?;
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
    Ok(Appended { end: LogEnd { inode: metadata.ino(), length }, rotated })
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)
}

/// The name that a log has after so many rotations.
pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn rotate(path: &Path, files: u32) -> io::Result<()> {
    let rename = |from: &Path, to: &Path| match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    if files < 2 {
        return std::fs::remove_file(path);
    }
    for number in (1..files - 1).rev() {
        rename(&numbered(path, number), &numbered(path, number + 1))?;
    }
    rename(path, &numbered(path, 1))
}

/// Whether there was one.
fn remove_oldest(path: &Path) -> io::Result<bool> {
    let oldest = (1..=u32::MAX).map(|number| numbered(path, number)).take_while(|path| path.exists()).last();
    let Some(oldest) = oldest else { return Ok(false) };
    std::fs::remove_file(oldest)?;
    Ok(true)
}
