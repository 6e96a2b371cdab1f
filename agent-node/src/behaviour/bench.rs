use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::id::InstanceId;
use anet_protocol::notification::Notification;
use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fake_hub::{FakeHub, PATIENCE, TOKEN, wait_for};
use crate::node::Requests;
use crate::pause::ClaimRequest;
use crate::settings::{Command, Settings, Timing};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

struct Zeroes;

impl Entropy for Zeroes {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// A hub, a project directory, and room for one node.
pub(super) struct Bench {
    pub(super) hub: FakeHub,
    pub(super) dir: TempDir,
    pub(super) notified: Arc<watch::Sender<Vec<Notification>>>,
}

/// A node at work.
pub(super) struct RunningNode {
    pub(super) stop: CancellationToken,
    pub(super) claiming: mpsc::UnboundedSender<ClaimRequest>,
    pub(super) token: watch::Sender<SecretString>,
    task: JoinHandle<ExitCode>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("anet-node-").tempdir_in("/tmp").unwrap();
        Self { hub: FakeHub::start(), dir, notified: Arc::default() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A node whose agent is this `sh` script, run in the bench's directory. Its instance is `i_` and a number.
    pub(super) fn settings(&self, script: &str, instance: u32) -> Settings {
        let unique = self.dir.path().file_name().unwrap().to_string_lossy().into_owned();
        Settings {
            hub: self.hub.url(),
            instance_id: InstanceId::from(format!("i_{unique}_{instance}")),
            runtime: Command { argv: ["sh", "-c", script].map(str::to_owned).to_vec(), timeout: None },
            project_dir: self.dir.path().to_owned(),
            state_dir: self.path("work"),
            artifacts_dir: self.path("artifacts"),
            socket_dir: self.path("sockets"),
            timing: Timing {
                inbox_poll: Duration::from_secs(3600),
                backoff_first: Duration::from_millis(10),
                backoff_longest: Duration::from_millis(50),
                drain: PATIENCE,
                kill_grace: Duration::from_millis(200),
                ..Timing::default()
            },
            ..super::settings()
        }
    }

    pub(super) fn run(&self, settings: Settings) -> RunningNode {
        self.run_with(settings, Arc::new(Stopped))
    }

    pub(super) fn run_with(&self, settings: Settings, clock: Arc<dyn Clock>) -> RunningNode {
        let stop = CancellationToken::new();
        let (token, receiver) = watch::channel(SecretString::from(TOKEN));
        let notified = Arc::clone(&self.notified);
        let notify = Arc::new(move |notification: &Notification| {
            notified.send_modify(|all| all.push(notification.clone()));
        });
        let (claiming, asked) = mpsc::unbounded_channel();
        let requests = Requests { stop: stop.clone(), claiming: asked };
        let run = crate::run(settings, receiver, clock, Arc::new(Zeroes), notify, requests);
        RunningNode { stop, claiming, token, task: tokio::spawn(run) }
    }

    /// Starts a node with this script.
    pub(super) fn start(&self, script: &str) -> RunningNode {
        self.run(self.settings(script, 1))
    }

    pub(super) async fn until_notified(&self, what: &str, seen: impl FnMut(&Notification) -> bool + Copy) {
        let mut notified = self.notified.subscribe();
        let waiting = notified.wait_for(|all| all.iter().any(seen));
        let waited = tokio::time::timeout(PATIENCE, waiting).await.map(|all| drop(all.unwrap()));
        assert!(waited.is_ok(), "not notified: {what}; but {:?}", self.notified.borrow());
    }

    /// What an agent has written to a file, once it is a whole line.
    pub(super) async fn line_in(&self, name: &str) -> String {
        let path = self.path(name);
        let whole_line = || std::fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'));
        wait_for(name, whole_line).await.trim_end().to_owned()
    }

    /// The files under the node's own directory `name`.
    pub(super) fn files(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(name)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }
}

impl RunningNode {
    /// Waits for its end.
    pub(super) async fn ended(self) -> ExitCode {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the node does not end").expect("the node panicked")
    }

    /// Stops it in order.
    pub(super) async fn stopped(self) -> ExitCode {
        self.stop.cancel();
        self.ended().await
    }

    /// Ends it without any last word.
    pub(super) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Whether a process is there and not a zombie.
pub(super) fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat[stat.rfind(')').unwrap()..].starts_with(") Z"))
}

/// Waits until a process has ended.
pub(super) async fn until_dead(pid: &str) {
    wait_for("the process is gone", || (!is_alive(pid)).then_some(())).await;
}
