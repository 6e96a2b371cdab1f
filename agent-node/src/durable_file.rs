//! Files that are whole or absent, whatever moment the machine stops at.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

/// Begins the name of a file that is being written, so that one left by a crash is recognised.
const UNFINISHED: &str = ".unfinished-";

/// Makes `dir` (and what is missing above it) readable by its owner alone, and removes what
/// crashed writers left in it.
pub(crate) fn prepare_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes `bytes` to `dir/name`, 0600, in one step: when this returns they are on the disk.
pub(crate) fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(dir.join(name)).map_err(|error| error.error)?;
    sync_dir(dir)
}

/// Makes names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes `dir/name`; one that is already gone is fine.
pub(crate) fn remove(dir: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(dir.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The names in `dir` that end in `.json`.
pub(crate) fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && Path::new(&name).extension().is_some_and(|extension| extension == "json") {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_private_and_replaces_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.json", b"one").unwrap();
        write(dir.path(), "a.json", b"two").unwrap();
        let path = dir.path().join("a.json");
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(dir.path()).unwrap(), ["a.json"]);
    }

    #[test]
    fn what_a_crashed_writer_left_is_removed_and_the_directory_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        fs::set_permissions(&work, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(work.join(format!("{UNFINISHED}x")), b"half").unwrap();
        fs::write(work.join("kept.json"), b"whole").unwrap();
        prepare_dir(&work).unwrap();
        assert_eq!(fs::read_dir(&work).unwrap().count(), 1);
        assert_eq!(fs::metadata(&work).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
