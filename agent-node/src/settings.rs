use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::event::READ_WATCHDOG_SECONDS;
use anet_protocol::id::{Alias, InstanceId, NodeId};
use secrecy::SecretString;

/// Everything a node has to know; it reads no environment and no configuration by itself.
///
/// It has no `Debug`, because [`Settings::agent_environment`] holds the agent's secrets.
#[derive(Clone)]
pub struct Settings {
    /// The hub's base URL, such as `http://127.0.0.1:9200`.
    pub hub: String,
    /// The name the node answers to.
    pub alias: Alias,
    /// The node's durable identity.
    pub node_id: NodeId,
    /// This run of it.
    pub instance_id: InstanceId,
    /// What does the tasks.
    pub runtime: Command,
    /// The model the runtime uses, for people to see.
    pub model: Option<String>,
    /// How many tasks may be in hand at once; 0 counts as 1.
    pub max_concurrent: u32,
    /// Where agents are started; an absolute path.
    pub project_dir: PathBuf,
    /// Where accepted tasks and undelivered results are kept, such as `.anet/nodes/<alias>/work`; an absolute path.
    pub state_dir: PathBuf,
    /// Where results too large for a task's row are kept; an absolute path.
    pub artifacts_dir: PathBuf,
    /// Where the sockets for delegation are made; an absolute path of at most 80 bytes.
    pub socket_dir: PathBuf,
    /// Put first into the agents' `PATH`, so that they find `anet`.
    pub program_dir: Option<PathBuf>,
    /// The machine's name.
    pub hostname: String,
    /// This process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// The agents' whole environment, without the `ANET_*` variables that each task adds.
    pub agent_environment: Vec<(String, String)>,
    /// Masked in what agents say of a failure, as are the variables whose name or value tells that they are secret.
    pub agent_secrets: Vec<SecretString>,
    /// How long to wait for what.
    pub timing: Timing,
}

/// The runtime `command`: a program that reads the task on its standard input and writes the
/// result to its standard output.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments. The program is an absolute path, a path from the project
    /// directory when it contains `/`, or a name that is looked up in the agents' `PATH`.
    pub argv: Vec<String>,
    /// How long a task may take; without one, as long as it likes.
    pub timeout: Option<Duration>,
}

/// How long a node waits for what. The standard values are those of the contract.
#[derive(Clone, Debug)]
pub struct Timing {
    /// For a connection to the hub.
    pub connect: Duration,
    /// A connection to the hub that is not in use is kept this long. Shorter than the hub keeps it (10 s), so that
    /// none is used while the hub closes it.
    pub idle: Duration,
    /// For the answer to a call.
    pub request: Duration,
    /// Without a byte on the event stream, before it counts as broken: three missed keepalives.
    pub read_watchdog: Duration,
    /// Between two looks into the inbox that nothing asked for.
    pub inbox_poll: Duration,
    /// Before the first repetition of what failed; each further one waits twice as long…
    pub backoff_first: Duration,
    /// …up to this.
    pub backoff_longest: Duration,
    /// A pause in claiming ends when nobody has asked for it for so long: whoever did may be dead, and there is work.
    pub pause: Duration,
    /// For running tasks to finish when the node is asked to stop.
    pub drain: Duration,
    /// Between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
    /// For a holder without an open stream to be forgotten by the hub (30 s after its last sign of
    /// life): it may be this node's own last run, killed before it opened one.
    pub holder_silence: Duration,
    /// For the last results and the goodbye to reach the hub.
    pub farewell: Duration,
    /// For the hub to come back while an agent waits for an answer of it.
    pub outage: Duration,
    /// For another token, before the refused one is shown once more: a hub that was put back from a backup may know it.
    pub token_wait: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            request: Duration::from_secs(30),
            read_watchdog: Duration::from_secs(READ_WATCHDOG_SECONDS),
            inbox_poll: Duration::from_secs(15),
            backoff_first: Duration::from_secs(1),
            backoff_longest: Duration::from_secs(30),
            // Asked for again at each heartbeat, of which twelve may be lost.
            pause: Duration::from_secs(120),
            // With the two below it must fit into the supervisor's ten seconds of grace.
            drain: Duration::from_secs(5),
            kill_grace: Duration::from_secs(2),
            holder_silence: Duration::from_secs(40),
            farewell: Duration::from_secs(2),
            outage: Duration::from_secs(600),
            // Twice an hour, of the twenty requests that a dead token may cost in the first hour (R47).
            token_wait: Duration::from_secs(1800),
        }
    }
}
