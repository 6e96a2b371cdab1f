//! What the supervisor must be told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::failpoint::Failpoint;
use crate::policy::Policies;
use crate::secret_descriptor::SecretDescriptor;
use crate::secret_source::Caller;

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
    /// How long killed processes may take to disappear before they are reported as survivors (R18: 2 s).
    pub kill_timeout: Duration,
    /// How often a process that needs attention looks whether its files were changed (R12: within 1 s),
    /// where the system does not tell.
    pub mended_interval: Duration,
    /// How long a process may hold more memory than its `memory-high` before it is restarted (R65: 30 s).
    pub memory_patience: Duration,
    /// How long a node may take to use a token that was pushed (R49: it takes a second), before it is restarted.
    pub token_patience: Duration,
    /// Whether the process is the supervisor's own: it then becomes a subreaper that buries all orphans, keeps its
    /// memory from being dumped, and takes the control group that was delegated to it.
    pub owns_process: bool,
    /// Bytes that all logs together may take; where absent 1 GiB, or 5 % of the disk if that is less (R63).
    pub log_total_max: Option<u64>,
    /// How the supervisor's own process was started: the arguments after the program's name, for an upgrade.
    pub arguments: Vec<OsString>,
    /// What makes a program file print a [`anet_protocol::control::ProgramVersion`].
    pub version_query: Vec<OsString>,
    /// Secrets that were handed over when it was started (R44).
    pub secrets: Option<Arc<SecretDescriptor>>,
    /// Notified when the settings file is to be read again.
    pub reload: Arc<Notify>,
    /// Where a test may end the process.
    pub failpoint: Failpoint,
    /// How each process is kept, below what `supervisor.toml` says.
    pub policies: Policies,
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
            kill_timeout: Duration::from_secs(2),
            mended_interval: Duration::from_millis(500),
            memory_patience: Duration::from_secs(30),
            token_patience: Duration::from_secs(30),
            owns_process: false,
            log_total_max: None,
            arguments: Vec::new(),
            version_query: vec!["supervisor".into(), "program-version".into()],
            secrets: None,
            reload: Arc::default(),
            failpoint: Failpoint::default(),
            policies: Policies::default(),
        }
    }
}

impl<'settings> From<&'settings Settings> for Caller<'settings> {
    fn from(settings: &'settings Settings) -> Self {
        Self { environment: &settings.environment, secrets: settings.secrets.as_deref() }
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
