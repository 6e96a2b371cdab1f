//! What the supervisor must be told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything the supervisor does not find out by itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `~/.anet` to serve; absolute.
    pub home: PathBuf,
    /// The program file that the supervisor itself runs from; absolute.
    pub executable: PathBuf,
    /// The version of that program, for `GET /v1/status`.
    pub version: String,
    /// The environment of the caller: envRefs are looked up in it, and an allow-list of it is passed on.
    pub environment: Vec<(OsString, OsString)>,
    /// How hub and nodes are started.
    pub launcher: Launcher,
    /// How long a start waits for `READY=1` before it answers that the process is not ready (R34: 30 s).
    pub ready_timeout: Duration,
    /// How long a process has to leave after SIGTERM before its whole tree is killed (R18: 10 s).
    pub stop_grace: Duration,
    /// How long killed processes may take to disappear before they are reported as survivors (R18: 2 s).
    pub kill_timeout: Duration,
    /// How often a process that needs attention looks whether its files were changed (R12: within 1 s),
    /// where the system does not tell.
    pub mended_interval: Duration,
    /// How long to wait between two starts of a process that fails.
    pub backoff: BackoffPolicy,
}

impl Settings {
    /// Settings with every default.
    pub fn new(home: PathBuf, executable: PathBuf, version: String, environment: Vec<(OsString, OsString)>) -> Self {
        Self {
            launcher: Launcher::re_execute(&executable),
            home,
            executable,
            version,
            environment,
            ready_timeout: Duration::from_secs(30),
            stop_grace: Duration::from_secs(10),
            kill_timeout: Duration::from_secs(2),
            mended_interval: Duration::from_millis(500),
            backoff: BackoffPolicy::default(),
        }
    }
}

/// The beginnings of the command lines of hub and node; the supervisor appends the arguments
/// `--listen-on-stdin --database <path> --log-dir <dir>` and `--directory <dir>`.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// Program and first arguments of the hub.
    pub hub: Vec<OsString>,
    /// Program and first arguments of a node.
    pub node: Vec<OsString>,
}

impl Launcher {
    /// Both are roles of one executable: `<executable> hub run` and `<executable> node run`.
    #[must_use]
    pub fn re_execute(executable: &Path) -> Self {
        let role = |noun: &str| vec![executable.as_os_str().to_owned(), noun.into(), "run".into()];
        Self { hub: role("hub"), node: role("node") }
    }
}

/// How the pause between two starts grows: 0, then `first`, then double, up to `longest` (R9).
#[derive(Clone, Copy, Debug)]
pub struct BackoffPolicy {
    /// The pause before the second new start; the first is immediate.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// Each pause is stretched or shortened by up to this part of itself, so that many processes
    /// that died together do not come back together.
    pub jitter: f64,
    /// A process that was ready for this long, or twice the last pause if that is longer, is stable
    /// again (R10).
    pub stable_after: Duration,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(60),
            jitter: 0.2,
            stable_after: Duration::from_secs(60),
        }
    }
}
