//! Replacing the supervisor's program in its own process (R26): same process id, so the children stay
//! its children; same sockets, so whoever connects meanwhile waits instead of being refused.

use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anet_protocol::control::{CONTROL_VERSION, ControlErrorCode, ProgramVersion, understand_each_other};
use tokio::process::Command;

use crate::inherited::{LISTEN_VARIABLES, Legacy, VARIABLE};
use crate::refusal::Refusal;
use crate::settings::Settings;

/// How long a program may take to tell its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

/// What is about to take the supervisor's place.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// The program file.
    pub(crate) executable: PathBuf,
    /// The hub's listening socket, which goes along.
    pub(crate) hub_listener: Option<TcpListener>,
}

/// Asks a program file for its version, so that one that cannot run here never replaces one that can.
///
/// # Errors
/// When it does not run, does not answer, or speaks another control protocol.
pub(crate) async fn check(settings: &Settings, executable: &Path) -> Result<ProgramVersion, Refusal> {
    let refuse = |error: String| {
        Refusal::new(ControlErrorCode::UpgradeRefused, format!("{} is not taken over: {error}", executable.display()))
            .hint("nothing was changed; the running supervisor goes on")
    };
    let mut command = Command::new(executable);
    command.args(&settings.version_query).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(VERSION_TIMEOUT, command.output())
        .await
        .map_err(|_| refuse(format!("it did not tell its version within {} s", VERSION_TIMEOUT.as_secs())))?
        .map_err(|error| refuse(format!("it cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(refuse(format!("asked for its version it ended with {}", output.status)));
    }
    let version: ProgramVersion = serde_json::from_slice(&output.stdout)
        .map_err(|error| refuse(format!("what it says of its version is not understood: {error}")))?;
    if !understand_each_other(version.control_version, CONTROL_VERSION) {
        let theirs = version.control_version;
        return Err(refuse(format!("it speaks control protocol {theirs}, this supervisor {CONTROL_VERSION}")));
    }
    Ok(version)
}

/// Becomes the program `executable`. Returns only when that failed, and everything is as before then.
pub(crate) fn replace(settings: &Settings, executable: &Path, legacy: &Legacy<'_>) -> io::Error {
    if let Err(error) = legacy.keep_over_exec(true) {
        return error;
    }
    let mut command = std::process::Command::new(executable);
    for variable in LISTEN_VARIABLES {
        command.env_remove(variable);
    }
    let error = command.args(&settings.arguments).env(VARIABLE, legacy.encode()).exec();
    match legacy.keep_over_exec(false) {
        Ok(()) => error,
        Err(error) => error,
    }
}
