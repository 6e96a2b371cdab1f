//! What must hold before a node starts, and what an earlier run left behind.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::PathBuf;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::rest::Attempt;

use crate::attempts::Attempts;
use crate::directory_lock::LockError;
use crate::hub_client::HubClientError;
use crate::journal::{Journal, is_file_safe};
use crate::outbox::Outbox;
use crate::process_tree::ProcessTree;
use crate::program::{self, ProgramError};
use crate::settings::Settings;
use crate::task_socket;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The runtime's program cannot be started.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Another process works from this directory, or that cannot be found out.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The project is gone.
    #[error("the project directory {} does not exist", path.display())]
    NoProject { path: PathBuf },
    /// The sockets' directory has too long a path.
    #[error("the socket directory {} is too long for a Unix socket: {length} bytes, at most {longest}", path.display())]
    SocketDirTooLong { path: PathBuf, length: usize, longest: usize },
    /// The hub's address is wrong.
    #[error(transparent)]
    Hub(#[from] HubClientError),
    /// The node's own files cannot be used.
    #[error("{} cannot be used", path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl StartError {
    /// What it means to the supervisor.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Program(_) => ExitCode::CredentialMissing,
            Self::Lock(LockError::Held { .. }) => ExitCode::Evicted,
            Self::NoProject { .. } | Self::SocketDirTooLong { .. } | Self::Hub(HubClientError::Url { .. }) => {
                ExitCode::ConfigInvalid
            }
            Self::Lock(LockError::Io { .. }) | Self::Hub(HubClientError::Client(_)) | Self::Directory { .. } => {
                ExitCode::Fault
            }
        }
    }
}

/// Checks the settings. The answer is the runtime's program as an absolute path.
pub(crate) fn check(settings: &Settings) -> Result<PathBuf, StartError> {
    if !settings.project_dir.is_dir() {
        return Err(StartError::NoProject { path: settings.project_dir.clone() });
    }
    let length = settings.socket_dir.as_os_str().as_bytes().len();
    if length > task_socket::LONGEST_DIR {
        let path = settings.socket_dir.clone();
        return Err(StartError::SocketDirTooLong { path, length, longest: task_socket::LONGEST_DIR });
    }
    directory(settings.socket_dir.clone(), private_dir)?;
    directory(settings.artifacts_dir.clone(), private_dir)?;
    Ok(program::find(settings)?)
}

/// Opens something that needs the directory `path`.
pub(crate) fn directory<T>(path: PathBuf, open: impl FnOnce(PathBuf) -> io::Result<T>) -> Result<T, StartError> {
    open(path.clone()).map_err(|source| StartError::Directory { path, source })
}

fn private_dir(dir: PathBuf) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
}

/// Takes up an earlier run's undelivered answers, and clears away what it was working on.
pub(crate) async fn take_up(settings: &Settings, journal: &Journal, outbox: &Outbox) -> Result<Attempts, StartError> {
    let failed = |source| StartError::Directory { path: settings.state_dir.clone(), source };
    let attempts = Attempts::default();
    for attempt in outbox.attempts().map_err(failed)? {
        tracing::info!(task = %attempt.task_id, attempt = attempt.attempt, "an earlier run's answer is taken up");
        attempts.hold_answered(attempt);
    }
    for accepted in journal.leftovers().map_err(failed)? {
        let attempt = Attempt { task_id: accepted.task.task_id, attempt: accepted.task.attempt };
        if !is_file_safe(attempt.task_id.as_str()) {
            continue;
        }
        // The kernel has killed the agent itself with its node; what it started may live on, and the
        // task is about to be done anew.
        ProcessTree::of_attempt(&attempt, &accepted.instance_id).kill(settings.timing.kill_grace).await;
        task_socket::remove(&settings.socket_dir, &attempt, &accepted.instance_id).map_err(failed)?;
        journal.remove(&attempt).map_err(failed)?;
    }
    Ok(attempts)
}
