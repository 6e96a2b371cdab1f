//! The files that commands write and read. Those that hold secrets or decide who one is are the business of
//! `anet_supervisor::private_file`; here are the others, and the modes of all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anet_supervisor::private_file::write_with_mode;
pub(crate) use anet_supervisor::private_file::{read_own, write as write_private};
use anyhow::Context as _;
use nix::fcntl::OFlag;

/// Replaces `path` with `text`, which holds no secret, readable by everybody; its directory is made where it is missing.
///
/// # Errors
/// When any step fails; the old file is then untouched.
pub(crate) fn write_public(path: &Path, text: &str) -> anyhow::Result<()> {
    let directory = path.parent().context("a file path has a directory")?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(write_with_mode(path, text, 0o644)?)
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
}
