//! Where the supervisor keeps its files, all under `~/.anet`.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The files of one `~/.anet`.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// `~/.anet` itself.
    pub(crate) home: PathBuf,
    /// Sockets and lock: nothing in it needs to survive a reboot.
    pub(crate) run: PathBuf,
    /// Held locked for the supervisor's life, never unlinked.
    pub(crate) lock: PathBuf,
    /// The control socket.
    pub(crate) control_socket: PathBuf,
    /// Where children report.
    pub(crate) notify_socket: PathBuf,
    /// Where services of this user ask for secrets of nodes.
    pub(crate) credential_socket: PathBuf,
    /// The directory of the state file.
    pub(crate) state_directory: PathBuf,
    /// What is wanted and what was started.
    pub(crate) state: PathBuf,
    /// The hub's working directory.
    pub(crate) server: PathBuf,
}

impl Paths {
    pub(crate) fn new(home: &Path) -> Self {
        let run = home.join("run");
        let state_directory = home.join("supervisor");
        Self {
            home: home.to_owned(),
            lock: run.join("supervisor.lock"),
            control_socket: run.join("supervisor.sock"),
            notify_socket: run.join("notify.sock"),
            credential_socket: run.join("credentials.sock"),
            state: state_directory.join("state.json"),
            server: home.join("server"),
            run,
            state_directory,
        }
    }
}

/// Makes a directory that only its owner can enter, or closes one that others could.
///
/// # Errors
/// When it cannot be made, or belongs to somebody else.
pub(crate) fn ensure_private_directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let metadata = std::fs::metadata(path)?;
    if metadata.uid() != nix::unistd::geteuid().as_raw() {
        let message = format!("it belongs to uid {}, not to this user", metadata.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// The directory of a node or program in a project.
pub(crate) fn node_directory(project: &Path, name: &str) -> PathBuf {
    let program = program_directory(project, name);
    if program.is_dir() { program } else { project.join(".anet").join("nodes").join(name) }
}

/// The directory of a program that is kept alive without being a node.
pub(crate) fn program_directory(project: &Path, name: &str) -> PathBuf {
    project.join(".anet").join("programs").join(name)
}
