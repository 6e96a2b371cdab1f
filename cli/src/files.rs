//! Writing files that people and other processes rely on: whole or not at all. And reading the ones that hold secrets:
//! from nobody's file but one's own.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use nix::fcntl::OFlag;
use nix::libc;

/// Replaces `path` with `text`, readable by its owner alone: temporary file, fsync, rename, fsync of the directory.
///
/// # Errors
/// When any step fails; the old file is then untouched.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let directory = path.parent().context("a file path has a directory")?;
    let write = || -> std::io::Result<()> {
        // tempfile creates the file with mode 0600, so the secret is never readable by others.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(directory)?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Replaces `path` with `text`, which holds no secret, readable by everybody; its directory is made where it is missing.
///
/// # Errors
/// When any step fails; the old file is then untouched.
pub(crate) fn write_public(path: &Path, text: &str) -> anyhow::Result<()> {
    let directory = path.parent().context("a file path has a directory")?;
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(directory)?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Creates a directory and its parents; the ones it creates are closed to others.
///
/// # Errors
/// When one cannot be created.
pub(crate) fn create_private_directory(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}

/// Takes group's and others' rights away from a file or directory of this user's, if it has any, and tells the mode it
/// had. What is a link, a socket, somebody else's or not there is left alone.
///
/// # Errors
/// When the mode cannot be changed.
pub(crate) fn tighten(path: &Path) -> anyhow::Result<Option<u32>> {
    let Ok(file) = open_plain(path) else { return Ok(None) };
    let metadata = file.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 || metadata.uid() != own_user() || !(metadata.is_file() || metadata.is_dir()) {
        return Ok(None);
    }
    // By the open file, so that what was looked at is what is changed.
    file.set_permissions(fs::Permissions::from_mode(mode & 0o700))
        .with_context(|| format!("cannot close {} to others", path.display()))?;
    Ok(Some(mode))
}

/// Opens what stands at `path` itself, without following a link or waiting for the other end of a pipe.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

fn own_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The text of a file that decides who this user is, or `None` when there is none.
///
/// # Errors
/// When it is a link, or not this user's own file: somebody else would decide then.
pub(crate) fn read_own(path: &Path) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    let mut file = match open_plain(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            bail!("{shown} is a symbolic link, and is not followed; put the file itself there")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    let metadata = file.metadata().with_context(|| format!("cannot look at {shown}"))?;
    if !metadata.is_file() {
        bail!("{shown} is not a regular file");
    }
    let (owner, me) = (metadata.uid(), own_user());
    if owner != me {
        bail!("{shown} belongs to uid {owner}, not to uid {me} who runs this command");
    }
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("cannot read {shown}"))?;
    Ok(Some(text))
}

/// The text of a file, or `None` when there is no such file.
///
/// # Errors
/// When it exists and cannot be read.
pub(crate) fn read_optional(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_closed_to_others_from_the_first_byte() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_is_open_to_others_is_closed_and_a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(tighten(&link).unwrap(), None);
        assert_eq!(tighten(&path).unwrap(), Some(0o644));
        assert_eq!(tighten(&path).unwrap(), None, "once");
        assert_eq!(tighten(&directory.path().join("none")).unwrap(), None);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn only_a_file_of_ones_own_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        assert_eq!(read_own(&path).unwrap(), None);
        fs::write(&path, "text").unwrap();
        assert_eq!(read_own(&path).unwrap().as_deref(), Some("text"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read_own(&link).unwrap_err().to_string().contains("is a symbolic link"));
        assert!(read_own(directory.path()).unwrap_err().to_string().contains("is not a regular file"));
        let of_another = if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            path
        } else {
            "/etc/passwd".into()
        };
        assert!(read_own(&of_another).unwrap_err().to_string().contains("belongs to uid"));
    }
}
