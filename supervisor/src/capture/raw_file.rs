//! The files that a process writes to.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// The directory of these files, below that of the logs.
pub(super) const UNREAD: &str = "unread";

/// Which of a process's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OutputStream {
    Out,
    Err,
}

impl OutputStream {
    /// The word in the file's name and in the log.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
        }
    }
}

/// One output of one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawName {
    pub(super) incarnation: u64,
    pub(super) stream: OutputStream,
}

impl RawName {
    pub(super) fn file_name(self) -> String {
        format!("{}.{}", self.incarnation, self.stream.word())
    }

    fn parse(name: &str) -> Option<Self> {
        let (incarnation, stream) = name.split_once('.')?;
        let stream = match stream {
            "out" => OutputStream::Out,
            "err" => OutputStream::Err,
            _ => return None,
        };
        Some(Self { incarnation: incarnation.parse().ok()?, stream })
    }
}

/// Whose file a process writes to: the directory of the logs, and the number of the start.
pub(crate) fn incarnation_of(path: &Path) -> Option<(PathBuf, u64)> {
    // The kernel adds this to the name of a file that was removed.
    let name = path.file_name()?.to_str()?.trim_end_matches(" (deleted)");
    let unread = path.parent().filter(|directory| directory.ends_with(UNREAD))?;
    Some((unread.parent()?.to_owned(), RawName::parse(name)?.incarnation))
}

/// The raw files of a directory, oldest start first.
///
/// # Errors
/// When the directory exists and cannot be read.
pub(super) fn list(directory: &Path) -> io::Result<Vec<(RawName, PathBuf)>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(RawName::parse) {
            files.push((name, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

/// Makes the file that a new process appends to.
///
/// # Errors
/// When it cannot be made, or is there already.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// Opens it for reading, and for giving back what was read.
///
/// # Errors
/// When it is not there, or is a link.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)
}

const ZEROS: [u8; 4096] = [0; 4096];

/// Gives what was read back to the disk; the file keeps its length, because its writer appends.
/// Where the file system cannot do that the bytes are overwritten: they may hold secrets.
///
/// # Errors
/// When neither works.
pub(super) fn release(file: &File, from: u64, to: u64) -> io::Result<()> {
    if punch_hole(file, to).is_ok() {
        return Ok(());
    }
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(ZEROS.len()).min(ZEROS.len());
        file.write_all_at(&ZEROS[..length], at)?;
        at += length as u64;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn punch_hole(file: &File, to: u64) -> io::Result<()> {
    use nix::fcntl::{FallocateFlags, fallocate};
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    let length = i64::try_from(to).map_err(io::Error::other)?;
    // All of it each time: the kernel zeroes the part of a block that it cannot free yet.
    Ok(fallocate(file, flags, 0, length)?)
}

#[cfg(not(target_os = "linux"))]
fn punch_hole(_file: &File, _to: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Where the first byte is that was not given back.
#[cfg(target_os = "linux")]
pub(super) fn first_data(file: &File) -> u64 {
    let offset = nix::unistd::lseek(file, 0, nix::unistd::Whence::SeekData);
    offset.ok().and_then(|offset| u64::try_from(offset).ok()).unwrap_or_default()
}

/// Nothing is given back where holes cannot be punched.
#[cfg(not(target_os = "linux"))]
pub(super) fn first_data(_file: &File) -> u64 {
    0
}
