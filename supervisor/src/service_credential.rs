//! Secrets that a service manager hands to the supervisor as files: `$CREDENTIALS_DIRECTORY/NAME`, of
//! systemd's `LoadCredential=` (systemd.exec(5), R44).

use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anet_protocol::env_file;
use secrecy::{ExposeSecret as _, SecretString};

use crate::dot_env::{LARGEST_SIZE, open, refuse, too_large};
use crate::environment::lookup;
use crate::secret_error::SecretError;

/// The variable that names the directory.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// What nobody but owner and group may do. systemd gives a file of root's to the service by an access control
/// list, whose mask shows as the group's right to read.
const TOO_OPEN: u32 = 0o027;

/// The credential `name`, without one line end at its end; `None` when there is no directory or no such file.
///
/// # Errors
/// [`SecretError`] for a file that is not as a service manager leaves it, for one that is no text, and for a
/// directory that is no absolute path.
pub(crate) fn read(environment: &[(OsString, OsString)], name: &str) -> Result<Option<SecretString>, SecretError> {
    let Some(directory) = lookup(environment, DIRECTORY).map(Path::new) else { return Ok(None) };
    if !directory.is_absolute() {
        return Err(refuse(format!("{DIRECTORY} is not an absolute path: {}", directory.display()), None));
    }
    // What is no name of a variable could be a path that leads out of the directory.
    if !env_file::is_name(name) {
        return Ok(None);
    }
    let path = directory.join(name);
    let shown = path.display();
    let Some(file) = open(&path)? else { return Ok(None) };
    let cannot_read = |error: std::io::Error| refuse(format!("cannot read {shown}: {error}"), None);
    let metadata = file.metadata().map_err(cannot_read)?;
    let me = nix::unistd::geteuid().as_raw();
    if !metadata.is_file() {
        return Err(refuse(format!("{shown} is not a regular file"), None));
    }
    if metadata.uid() != me && metadata.uid() != 0 {
        return Err(refuse(
            format!("{shown} belongs to uid {}, neither to root nor to uid {me}", metadata.uid()),
            None,
        ));
    }
    if metadata.mode() & TOO_OPEN != 0 {
        let error = format!("{shown} is open to other users (mode {:04o})", metadata.mode() & 0o7777);
        return Err(refuse(error, Some(format!("chmod 400 {shown}"))));
    }
    if metadata.len() > LARGEST_SIZE {
        return Err(too_large(&path));
    }
    let mut text = String::new();
    file.take(LARGEST_SIZE + 1).read_to_string(&mut text).map_err(cannot_read)?;
    let text = SecretString::from(text);
    let value = text.expose_secret();
    if value.len() as u64 > LARGEST_SIZE {
        return Err(too_large(&path));
    }
    if value.contains('\0') {
        return Err(refuse(format!("{shown} holds a NUL, which no variable can"), None));
    }
    let value = value.strip_suffix('\n').unwrap_or(value);
    Ok(Some(value).filter(|value| !value.is_empty()).map(SecretString::from))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// What reading the credential `KEY` gives in a directory that was prepared so.
    fn read_key(prepare: impl FnOnce(&Path)) -> Result<Option<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        prepare(&directory.path().join("KEY"));
        let environment = [(DIRECTORY.into(), directory.path().into())];
        let value = read(&environment, "KEY").map_err(|refusal| refusal.error);
        value.map(|value| value.map(|value| value.expose_secret().to_owned()))
    }

    fn write(path: &Path, mode: u32, content: &[u8]) {
        std::fs::write(path, content).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_value_is_the_file_without_one_line_end() {
        for (content, value) in
            [("sk-1\n", "sk-1"), ("sk-1", "sk-1"), ("a\nb\n\n", "a\nb\n"), (" $x='\n", " $x='"), ("A=1", "A=1")]
        {
            // 0440 is how a file shows that systemd opened to the service by an access control list.
            for mode in [0o400, 0o600, 0o440] {
                assert_eq!(read_key(|path| write(path, mode, content.as_bytes())), Ok(Some(value.to_owned())));
            }
        }
    }

    #[test]
    fn without_a_directory_without_a_file_or_with_an_empty_one_there_is_none() {
        assert!(read(&[], "KEY").unwrap().is_none());
        assert_eq!(read_key(|_| {}), Ok(None));
        for content in ["", "\n"] {
            assert_eq!(read_key(|path| write(path, 0o400, content.as_bytes())), Ok(None));
        }
    }

    #[test]
    fn a_file_that_others_can_read_or_change_is_refused() {
        for mode in [0o404, 0o420, 0o602, 0o444] {
            let error = read_key(|path| write(path, mode, b"canary")).unwrap_err();
            assert!(error.contains(&format!("(mode {mode:04o})")) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_link_a_pipe_and_a_directory_are_refused_at_once() {
        let error = read_key(|path| {
            write(&path.with_file_name("target"), 0o400, b"canary");
            symlink(path.with_file_name("target"), path).unwrap();
        });
        assert!(error.unwrap_err().ends_with("is a symbolic link"));
        let pipe = |path: &Path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        assert!(read_key(pipe).unwrap_err().ends_with("is not a regular file"));
        assert!(read_key(|path| std::fs::create_dir(path).unwrap()).unwrap_err().ends_with("is not a regular file"));
    }

    #[test]
    fn what_is_too_large_holds_a_nul_or_is_no_text_is_refused_and_not_shown() {
        let large = "x".repeat(64 * 1024);
        assert_eq!(read_key(|path| write(path, 0o400, large.as_bytes())), Ok(Some(large.clone())));
        let error = read_key(|path| write(path, 0o400, format!("{large}x").as_bytes())).unwrap_err();
        assert!(error.ends_with("is larger than 64 KiB"), "{error}");
        for content in [&b"canary\0x"[..], b"canary\xff"] {
            let error = read_key(|path| write(path, 0o400, content)).unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_name_that_leads_out_of_the_directory_is_no_credential() {
        let directory = tempfile::tempdir().unwrap();
        write(&directory.path().join("KEY"), 0o400, b"sk-1");
        let below = directory.path().join("credentials");
        std::fs::create_dir(&below).unwrap();
        let environment = [(DIRECTORY.into(), below.into_os_string())];
        let absolute = directory.path().join("KEY");
        for name in ["../KEY", ".", "..", "", absolute.to_str().unwrap()] {
            assert!(read(&environment, name).unwrap().is_none(), "{name}");
        }
    }

    #[test]
    fn a_relative_directory_is_refused() {
        let error = read(&[(DIRECTORY.into(), "credentials".into())], "KEY").unwrap_err();
        assert!(error.error.contains("is not an absolute path"), "{error}");
    }
}
