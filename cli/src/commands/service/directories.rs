//! The directories that a service finds made.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::failure::Failure;
use crate::files;

/// Makes each, closed to others, as the user who is to own it: root does not follow what that user put in the way.
///
/// # Errors
/// When one cannot be made.
pub(super) fn make(directories: &[PathBuf], owner: Option<&User>) -> Result<(), Failure> {
    let Some(owner) = owner.filter(|owner| owner.uid != geteuid()) else {
        for directory in directories {
            files::create_private_directory(directory)?;
        }
        return Ok(());
    };
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077 && exec mkdir -p -- \"$@\"", "sh"]).args(directories);
    command.current_dir("/").uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
    let output = command.output().map_err(|error| Failure::message(format!("cannot run mkdir: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Failure::message(format!("{} cannot make the directories of the service: {}", owner.name, words.trim())))
}
