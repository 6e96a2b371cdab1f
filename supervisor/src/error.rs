//! Why a supervisor could not run.

use std::io;
use std::path::PathBuf;

use crate::settings_file::SettingsFileError;

/// Why a supervisor could not start or had to leave.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// Another one serves this home.
    #[error("another supervisor{} holds {}", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), lock.display())]
    AlreadyRunning {
        /// The lock it holds.
        lock: PathBuf,
        /// Its process, as it wrote it into the lock file.
        pid: Option<u32>,
    },
    /// A file or socket of the supervisor's own could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The settings file has a fault.
    #[error(transparent)]
    SettingsFile(#[from] SettingsFileError),
    /// A descriptor that was announced is not there.
    #[error("cannot take over what was left open: {0}")]
    Inherited(io::Error),
    /// `NOTIFY_SOCKET` is not usable.
    #[error("cannot speak to the service manager: {0}")]
    ServiceManager(io::Error),
    /// The kernel's process table could not be read.
    #[error("cannot read the process table in /proc: {0}")]
    ProcessTable(io::Error),
}

impl SupervisorError {
    /// For `map_err` on an action on a path.
    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
