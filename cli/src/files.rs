//! Writing files that people and other processes rely on: whole or not at all.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;

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

/// Takes group's and others' rights away from `path`, if it has any.
///
/// # Errors
/// When the mode cannot be read or changed.
pub(crate) fn tighten(path: &Path) -> anyhow::Result<bool> {
    let mode = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
        .with_context(|| format!("cannot close {} to others", path.display()))?;
    Ok(true)
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
}
