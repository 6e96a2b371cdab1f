//! Files that hold secrets: written whole or not at all, for their owner alone; read from nobody's file but one's own.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::libc;

/// Begins the name of a file that is being written, so that one left by a crash is recognised.
pub const UNFINISHED: &str = ".unfinished-";

/// No file of ours is larger; one that is was not made by us.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {reason}", path.display())]
pub struct FileError {
    /// What was being done.
    pub action: &'static str,
    /// To which file.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

impl FileError {
    /// For `map_err` on an action on a path.
    pub(crate) fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self { action, path, reason: error.to_string() }
    }
}

/// Replaces `path` with `text`, 0600: temporary file, fsync, rename, fsync of the directory.
///
/// # Errors
/// When any step fails; the old file is then untouched.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    write_with_mode(path, text, 0o600)
}

/// As [`write()`], with another mode, for a file without secrets.
///
/// # Errors
/// As [`write()`].
pub fn write_with_mode(path: &Path, text: &str, mode: u32) -> Result<(), FileError> {
    let write = || -> io::Result<()> {
        let directory = path.parent().ok_or_else(|| io::Error::other("it has no directory"))?;
        // tempfile creates the file with mode 0600, so the secret is never readable by others.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        if mode != 0o600 {
            file.as_file().set_permissions(Permissions::from_mode(mode))?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(FileError::of("write", path))
}

/// The text of a file, or `None` when there is none.
///
/// # Errors
/// When it is a link, a pipe, too large, or not this user's own file: somebody else would decide then.
pub fn read_own(path: &Path) -> Result<Option<String>, FileError> {
    let refuse = |reason: String| FileError { action: "read", path: path.to_owned(), reason };
    // Neither a link is followed nor is the other end of a pipe waited for.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(refuse("it is a symbolic link, and is not followed; put the file itself there".to_owned()));
        }
        Err(error) => return Err(refuse(error.to_string())),
    };
    let metadata = file.metadata().map_err(|error| refuse(error.to_string()))?;
    if !metadata.is_file() {
        return Err(refuse("it is not a regular file".to_owned()));
    }
    let (owner, me) = (metadata.uid(), nix::unistd::geteuid().as_raw());
    if owner != me {
        return Err(refuse(format!("it belongs to uid {owner}, not to uid {me}")));
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| refuse(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(refuse(format!("it is larger than {} MiB", LARGEST / 1024 / 1024)));
    }
    Ok(Some(text))
}

/// Removes a file; one that is already gone is fine.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

/// A lock between processes, held until dropped; the kernel lets go of it when its holder dies. The file stays.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits for the lock; not to be called where waiting stops others.
    ///
    /// # Errors
    /// When the file cannot be made or is a link.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
            .open(path)
            .map_err(FileError::of("open the lock", path))?;
        file.lock().map_err(FileError::of("lock", path))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_closed_to_others_and_leaves_no_temporary_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read_own(&path).unwrap().as_deref(), Some("new"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_for_everybody_is_readable_by_everybody_whatever_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anet.service");
        write(&path, "old").unwrap();
        write_with_mode(&path, "new", 0o644).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn what_is_no_plain_file_of_ones_own_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert_eq!(read_own(&path).unwrap(), None);
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(read_own(&path).unwrap_err().reason.contains("symbolic link"));
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        assert!(read_own(&path).unwrap_err().reason.contains("not a regular file"));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "x".repeat(usize::try_from(LARGEST).unwrap() + 1)).unwrap();
        assert!(read_own(&path).unwrap_err().reason.contains("larger than 4 MiB"));
        assert!(read_own(directory.path()).unwrap_err().reason.contains("not a regular file"));
        let of_another = if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            path
        } else {
            "/etc/passwd".into()
        };
        assert!(read_own(&of_another).unwrap_err().reason.contains("belongs to uid"));
    }
}
