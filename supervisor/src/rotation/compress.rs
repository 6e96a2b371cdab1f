//! From a rotated log to a compressed one, so that a death at any step loses nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::log_id::LogId;
use super::member::{LARGEST_MEMBER, Member};
use super::older::{self, Older};

/// Where a compressed log is until it is complete. Whoever writes it holds a lock on it, which ends with its
/// process, so that one that a death left is known as such.
pub(super) struct Staging {
    path: PathBuf,
    file: Flock<File>,
}

/// Which log a complete one was made of.
pub(super) struct Staged {
    id: LogId,
    staging: Staging,
}

/// Its name.
pub(super) fn staging_path(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".compressing");
    name.into()
}

impl Staging {
    /// Begins one, in the place of one that a death left; `None` while another process writes one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn begin(log: &Path) -> io::Result<Option<Self>> {
        let path = staging_path(log);
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
            let file = match Flock::lock(options.open(&path)?, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
                Err((_, error)) => return Err(error.into()),
            };
            // Whoever held the lock may have given this file its name meanwhile.
            let inode = file.metadata()?.ino();
            if std::fs::symlink_metadata(&path).is_ok_and(|there| there.ino() == inode) {
                file.set_len(0)?;
                return Ok(Some(Self { path, file }));
            }
        }
    }

    /// Compresses `plain`, and waits for the disk. `None` when that was deleted meanwhile.
    ///
    /// # Errors
    /// When one cannot be read or the other not be written.
    pub(super) fn fill(mut self, plain: &Path) -> io::Result<Option<Staged>> {
        let written = self.write(plain);
        match written {
            Ok(Some(id)) => Ok(Some(Staged { id, staging: self })),
            // It takes room for nothing.
            not => self.remove().and(not.map(|_| None)),
        }
    }

    fn write(&mut self, plain: &Path) -> io::Result<Option<LogId>> {
        let plain = OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(plain)?;
        let metadata = plain.metadata()?;
        let (id, length) = (LogId::of(&metadata), metadata.len());
        let mut buffer = vec![0; LARGEST_MEMBER as usize];
        let mut from = 0;
        if length == 0 {
            self.file.write_all(&Member::compress(id, 0, 0, &[])?)?;
        }
        while from < length {
            if plain.metadata()?.nlink() == 0 {
                return Ok(None);
            }
            let read = read_full(&plain, &mut buffer, from)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Whole lines, so that damage to one member cuts through none of another.
            let lines = memchr::memrchr(b'\n', &buffer[..read]).map_or(read, |last| last + 1);
            self.file.write_all(&Member::compress(id, length, from, &buffer[..lines])?)?;
            from += lines as u64;
        }
        // What is older gives way first when there is no room, and this one is no newer for being compressed.
        self.file.set_modified(metadata.modified()?)?;
        self.file.sync_all()?;
        Ok(Some(id))
    }

    /// Deletes it.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

fn read_full(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], from + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

impl Staged {
    /// Puts it in the place of the log that was compressed, wherever that was rotated to meanwhile. Nobody may
    /// give or take names in the directory at the same time.
    ///
    /// # Errors
    /// When it cannot be renamed, or the other not be removed.
    pub(super) fn put_in_place(self, log: &Path) -> io::Result<()> {
        let plain = self.name(log)?;
        // A death here leaves both, which count as one.
        plain.map_or(Ok(()), |plain| std::fs::remove_file(plain.path))
    }

    /// Gives it the number of the log that was compressed; that log, if it is still there.
    pub(super) fn name(self, log: &Path) -> io::Result<Option<Older>> {
        let is_it = |older: &Older| !older.is_compressed && older::id_of(&older.path).is_ok_and(|id| id == self.id);
        let Some(plain) = older::older(log).into_iter().find(is_it) else {
            self.staging.remove()?;
            return Ok(None);
        };
        std::fs::rename(&self.staging.path, older::compressed(log, plain.number))?;
        if let Some(directory) = log.parent() {
            // Before the other is gone from it.
            File::open(directory)?.sync_all()?;
        }
        Ok(Some(plain))
    }
}
