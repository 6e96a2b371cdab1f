//! The only reader of environment variables. Everything else gets typed settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::SecretString;

/// What the environment says, read once.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// `~/.anet`, or `ANET_HOME`.
    pub home: PathBuf,
    /// `ANET_SUPERVISOR`: the operators' socket of another user's supervisor, to be used in place of the own one.
    pub supervisor: Option<PathBuf>,
    /// The hub's database: `~/.commhub/commhub.db`, or `COMMHUB_DB`.
    pub database: PathBuf,
    /// Where the command was typed.
    pub directory: PathBuf,
    /// `COMMHUB_URL`.
    pub hub: Option<String>,
    /// `COMMHUB_TOKEN`.
    pub token: Option<SecretString>,
    /// `ANET_NETWORK_ID`.
    pub network_id: Option<String>,
    /// `ANET_TASK_SOCKET`: set inside a task, where it replaces hub and token.
    pub task_socket: Option<PathBuf>,
    /// `NOTIFY_SOCKET`: where a supervisor listens for this process.
    pub notify_socket: Option<PathBuf>,
    /// `ANET_INSTANCE_ID`: which start of a supervisor this process is.
    pub instance_id: Option<String>,
    /// `ANET_LOG`: the filter of the logs, in `tracing`'s words; `info` when absent.
    pub log: String,
    /// `COLUMNS`.
    pub columns: Option<u16>,
    /// Everything, for the supervisor and the nodes to pick from by their allow-lists.
    pub all: Vec<(OsString, OsString)>,
}

impl Environment {
    /// Reads the process's environment. An empty variable counts as unset.
    ///
    /// # Errors
    /// When neither `HOME` nor `ANET_HOME` is set, or the working directory is gone.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub(crate) fn read() -> anyhow::Result<Self> {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let directory = std::env::current_dir().context("the working directory cannot be read; was it deleted?")?;
        let user_home = path("HOME").map(|home| directory.join(home));
        let below_home = |name: &str| {
            user_home.as_deref().map(|home| home.join(name)).context("HOME is not set; set it, or set ANET_HOME")
        };
        let home = match path("ANET_HOME") {
            Some(home) => directory.join(home),
            None => below_home(".anet")?,
        };
        let database = match path("COMMHUB_DB") {
            Some(database) => directory.join(database),
            None => below_home(".commhub/commhub.db").or_else(|_| Ok::<_, anyhow::Error>(home.join("commhub.db")))?,
        };
        Ok(Self {
            home,
            supervisor: path("ANET_SUPERVISOR").map(|socket| directory.join(socket)),
            database,
            directory,
            hub: text("COMMHUB_URL"),
            token: text("COMMHUB_TOKEN").map(SecretString::from),
            network_id: text("ANET_NETWORK_ID"),
            task_socket: path("ANET_TASK_SOCKET"),
            notify_socket: path("NOTIFY_SOCKET"),
            instance_id: text("ANET_INSTANCE_ID"),
            log: text("ANET_LOG").unwrap_or_else(|| "info".to_owned()),
            columns: text("COLUMNS").and_then(|columns| columns.parse().ok()),
            all: std::env::vars_os().collect(),
        })
    }

    /// Whether a supervisor started this process. An agent's own commands have the id alone, and a service of systemd
    /// has the socket alone.
    pub(crate) fn is_started_by_a_supervisor(&self) -> bool {
        self.notify_socket.is_some() && self.instance_id.is_some()
    }

    /// `~/.anet/config.json`.
    pub(crate) fn global_config(&self) -> PathBuf {
        self.home.join("config.json")
    }

    /// `~/.anet/server`.
    pub(crate) fn server_directory(&self) -> PathBuf {
        self.home.join("server")
    }

    /// `~/.anet/run/supervisor.sock`, or another user's operators' socket.
    pub(crate) fn supervisor_socket(&self) -> PathBuf {
        self.supervisor.clone().unwrap_or_else(|| self.home.join("run/supervisor.sock"))
    }

    /// `~/.anet/supervisor/logs`.
    pub(crate) fn supervisor_logs(&self) -> PathBuf {
        self.home.join("supervisor/logs")
    }
}

/// `<project>/.anet/nodes/<name>`.
pub(crate) fn node_directory(project: &Path, name: &str) -> PathBuf {
    let program = program_directory(project, name);
    if program.is_dir() { program } else { project.join(".anet/nodes").join(name) }
}

/// The directory of a program that is kept alive without being a node.
pub(crate) fn program_directory(project: &Path, name: &str) -> PathBuf {
    project.join(".anet/programs").join(name)
}
