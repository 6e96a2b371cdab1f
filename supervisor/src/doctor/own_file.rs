//! Reading files that others may have tampered with: links are not followed, pipes do not hold up, sizes are bounded.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::libc;

/// No file of ours is larger; a larger one is somebody's mistake or trap.
const LARGEST: u64 = 1024 * 1024;

/// What stands at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OwnFile {
    /// Nothing.
    Absent,
    /// A file of this user's.
    Text(String),
    /// Something that is not read.
    Refused(FileProblem),
}

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileProblem {
    /// What it is.
    pub(super) seen: String,
    /// What mends it.
    pub(super) command: Option<String>,
}

impl FileProblem {
    fn new(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), command: None }
    }
}

/// Reads a file of this user's own.
pub(super) fn read(path: &Path) -> OwnFile {
    match open(path) {
        Ok(None) => OwnFile::Absent,
        Ok(Some(file)) => {
            let mut bytes = Vec::new();
            match file.take(LARGEST + 1).read_to_end(&mut bytes) {
                Err(error) => OwnFile::Refused(FileProblem::new(format!("cannot be read: {error}"))),
                Ok(_) if bytes.len() as u64 > LARGEST => {
                    OwnFile::Refused(FileProblem::new(format!("is larger than {} KiB", LARGEST / 1024)))
                }
                Ok(_) => String::from_utf8(bytes)
                    .map_or_else(|_| OwnFile::Refused(FileProblem::new("is not UTF-8 text")), OwnFile::Text),
            }
        }
        Err(problem) => OwnFile::Refused(problem),
    }
}

fn open(path: &Path) -> Result<Option<File>, FileProblem> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(FileProblem::new("is a symbolic link, which is not followed"));
        }
        Err(error) => return Err(FileProblem::new(format!("cannot be opened: {error}"))),
    };
    let metadata = file.metadata().map_err(|error| FileProblem::new(format!("cannot be looked at: {error}")))?;
    if !metadata.is_file() {
        return Err(FileProblem::new("is not a regular file"));
    }
    let (owner, me) = (metadata.uid(), nix::unistd::geteuid().as_raw());
    if owner != me {
        return Err(FileProblem {
            seen: format!("belongs to uid {owner}, not to uid {me} who runs this command"),
            command: Some(format!("chown {me} {}", path.display())),
        });
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        match read(path) {
            OwnFile::Refused(problem) => problem.seen,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn traps_in_the_place_of_a_file_are_named_and_do_not_hold_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        assert_eq!(read(&path), OwnFile::Absent);
        std::fs::write(&path, "text").unwrap();
        assert_eq!(read(&path), OwnFile::Text("text".to_owned()));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(refused(&link).contains("symbolic link"));
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        assert!(refused(&pipe).contains("regular file"));
        assert!(refused(directory.path()).contains("regular file"));
        std::fs::write(&path, vec![b' '; 1024 * 1024 + 1]).unwrap();
        assert!(refused(&path).contains("larger than 1024 KiB"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(refused(&path).contains("UTF-8"));
        let of_another = if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            path
        } else {
            "/etc/passwd".into()
        };
        assert!(refused(&of_another).contains("belongs to uid"));
    }
}
