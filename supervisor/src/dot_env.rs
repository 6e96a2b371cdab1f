//! Reading a node's `.env`, which holds secrets: refused unless only its owner can read it (R39).

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anet_protocol::env_file;
use nix::fcntl::OFlag;
use nix::libc;
use secrecy::SecretString;
use secrecy::zeroize::Zeroize as _;

use crate::secret_error::SecretError;

/// R39.
pub(crate) const LARGEST_SIZE: u64 = 64 * 1024;
const GROUP_AND_OTHERS: u32 = 0o077;
const WRITABLE_BY_OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The variables of the file; none when there is no file.
///
/// # Errors
/// [`SecretError`] with what mends it; a bad line is named by its number, never shown.
pub fn read(path: &Path) -> Result<Vec<(String, SecretString)>, SecretError> {
    let shown = path.display();
    let Some(mut text) = read_text(path)? else { return Ok(Vec::new()) };
    let variables = env_file::parse(&text);
    text.zeroize();
    let variables = variables.map_err(|error| refuse(format!("{shown}: {error}"), Some(format!("edit {shown}"))))?;
    Ok(variables.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect())
}

/// The text of the file, to be edited; `None` when there is no file.
///
/// # Errors
/// As [`read`], but for the lines.
pub fn read_text(path: &Path) -> Result<Option<String>, SecretError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let shown = path.display();
    let cannot_read = |error: io::Error| refuse(format!("cannot read {shown}: {error}"), None);
    check(path, &file.metadata().map_err(cannot_read)?)?;
    let mut text = String::new();
    file.take(LARGEST_SIZE + 1).read_to_string(&mut text).map_err(cannot_read)?;
    if text.len() as u64 > LARGEST_SIZE {
        return Err(too_large(path));
    }
    Ok(Some(text))
}

/// Opens a file that holds secrets, and follows no link there; `None` when there is none.
pub(crate) fn open(path: &Path) -> Result<Option<File>, SecretError> {
    let shown = path.display();
    // Not blocking, so that a pipe in the file's place cannot hold up the start.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            Err(refuse(format!("{shown} is a symbolic link"), Some(format!("put the file itself at {shown}"))))
        }
        Err(error) => Err(refuse(format!("cannot open {shown}: {error}"), None)),
    }
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), SecretError> {
    let shown = path.display();
    let me = nix::unistd::geteuid().as_raw();
    if !metadata.is_file() {
        return Err(refuse(format!("{shown} is not a regular file"), None));
    }
    if metadata.uid() != me {
        let error = format!("{shown} belongs to uid {}, not to uid {me} who starts the node", metadata.uid());
        return Err(refuse(error, Some(format!("chown {me} {shown}"))));
    }
    if metadata.nlink() > 1 {
        let error = format!("{shown} has {} names, so it is a part of something else too", metadata.nlink());
        return Err(refuse(error, Some(format!("cp -p {shown} {shown}.own && mv {shown}.own {shown}"))));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & GROUP_AND_OTHERS != 0 {
        let error = format!("{shown} is open to other users (mode {mode:04o})");
        return Err(refuse(error, Some(format!("chmod 600 {shown}"))));
    }
    if metadata.len() > LARGEST_SIZE {
        return Err(too_large(path));
    }
    for directory in path.ancestors().skip(1).filter(|directory| !directory.as_os_str().is_empty()) {
        let mode = std::fs::metadata(directory)
            .map_err(|error| refuse(format!("cannot look at {}: {error}", directory.display()), None))?
            .mode();
        if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
            let error =
                format!("{shown} could be replaced by any user, because {} is world-writable", directory.display());
            return Err(refuse(error, Some(format!("chmod o-w {}", directory.display()))));
        }
    }
    Ok(())
}

pub(crate) fn too_large(path: &Path) -> SecretError {
    refuse(format!("{} is larger than {} KiB", path.display(), LARGEST_SIZE / 1024), None)
}

pub(crate) fn refuse(error: String, hint: Option<String>) -> SecretError {
    SecretError { error, hint }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use secrecy::ExposeSecret as _;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The file in a fresh directory, and what reading it gives: error and hint.
    fn refused(prepare: impl FnOnce(&Path)) -> (String, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        std::fs::write(&path, "SECRET=sk-canary\n").unwrap();
        set_mode(&path, 0o600);
        prepare(&path);
        let refusal = read(&path).unwrap_err();
        assert!(!refusal.error.contains("canary"), "{}", refusal.error);
        (refusal.error, refusal.hint.unwrap_or_default())
    }

    #[test]
    fn a_private_file_is_read_and_a_missing_one_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        assert!(read(&path).unwrap().is_empty());
        std::fs::write(&path, "A='x y'\n").unwrap();
        set_mode(&path, 0o600);
        assert_eq!(read(&path).unwrap()[0].1.expose_secret(), "x y");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_chmod_that_mends_it() {
        for mode in [0o640, 0o604, 0o620, 0o666] {
            let (error, hint) = refused(|path| set_mode(path, mode));
            assert!(error.contains(&format!("(mode {mode:04o})")) && hint.starts_with("chmod 600 /"), "{error} {hint}");
        }
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (error, _) = refused(|path| {
            let target = path.with_file_name("target");
            std::fs::rename(path, &target).unwrap();
            symlink(&target, path).unwrap();
        });
        assert!(error.ends_with("is a symbolic link"), "{error}");
    }

    #[test]
    fn a_pipe_or_a_directory_in_its_place_is_refused_at_once() {
        let (error, _) = refused(|path| {
            std::fs::remove_file(path).unwrap();
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        });
        assert!(error.ends_with("is not a regular file"), "{error}");
        let (error, _) = refused(|path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        });
        assert!(error.ends_with("is not a regular file"), "{error}");
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        // Tests may run without the right to give files away; the check is then made on a file of root.
        let (error, hint) = if nix::unistd::geteuid().is_root() {
            refused(|path| std::os::unix::fs::chown(path, Some(12345), None).unwrap())
        } else {
            let refusal = check(Path::new("/.env"), &std::fs::metadata("/etc/passwd").unwrap()).unwrap_err();
            (refusal.error, refusal.hint.unwrap_or_default())
        };
        assert!(error.contains("belongs to uid") && hint.starts_with("chown "), "{error} {hint}");
    }

    #[test]
    fn a_file_that_is_reached_by_a_second_name_is_refused() {
        let (error, hint) = refused(|path| std::fs::hard_link(path, path.with_file_name("other")).unwrap());
        assert!(error.contains("has 2 names") && hint.starts_with("cp -p /"), "{error} {hint}");
    }

    #[test]
    fn a_file_that_is_no_text_is_refused_and_not_shown() {
        let (error, _) = refused(|path| std::fs::write(path, b"A=canary\xff\n").unwrap());
        assert!(error.contains("cannot read "), "{error}");
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let (error, _) = refused(|path| std::fs::write(path, "A=1\nsk-canary without a name\n").unwrap());
        assert!(error.contains(".env: line 2: "), "{error}");
    }

    #[test]
    fn a_large_file_is_refused() {
        let (error, _) = refused(|path| std::fs::write(path, format!("A={}", "x".repeat(65 * 1024))).unwrap());
        assert!(error.ends_with("is larger than 64 KiB"), "{error}");
    }

    #[test]
    fn a_file_in_a_world_writable_directory_is_refused() {
        let (error, hint) = refused(|path| set_mode(path.parent().unwrap(), 0o777));
        assert!(error.contains("could be replaced by any user") && hint.starts_with("chmod o-w /"), "{error} {hint}");
    }
}
