use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::id::InstanceId;
use anet_protocol::notification::{Link, Notification};
use anet_protocol::redaction::Redactor;
use anet_protocol::rest::{Attempt, NodeRegistered};
use anet_protocol::secret::is_secret;
use anet_protocol::{Clock, Entropy};
use secrecy::SecretString;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::attempts::{Attempts, StopReason};
use crate::directory_lock::DirectoryLock;
use crate::hub_client::{HubClient, chain};
use crate::journal::Journal;
use crate::notifier::Notifier;
use crate::outbox::Outbox;
use crate::pause::{self, ClaimRequest, Pause};
use crate::preflight::{self, StartError};
use crate::process_tree::ProcessTree;
use crate::runtime::Runtime;
use crate::runtime::command::CommandRuntime;
use crate::settings::Settings;
use crate::{attempt, drain, heartbeat, inbox, link, outbox, renewal};

/// How long ended attempts may take beyond the kill grace, before the node ends without them.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What the parts of a node share.
pub(crate) struct Node {
    pub(crate) settings: Settings,
    pub(crate) hub: HubClient,
    pub(crate) attempts: Attempts,
    pub(crate) journal: Journal,
    pub(crate) outbox: Outbox,
    pub(crate) runtime: Box<dyn Runtime>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) notifier: Notifier,
    /// Earlier runs that are proven dead.
    pub(crate) previous: Vec<InstanceId>,
    /// What the hub answered to the last registration.
    pub(crate) terms: watch::Sender<Option<Terms>>,
    /// Whether the event stream is open.
    pub(crate) connected: watch::Sender<bool>,
    /// Held while claiming and while registering: a registration lists what is held, and a claim
    /// in between would be released by it.
    pub(crate) session: Mutex<()>,
    /// Look into the inbox.
    pub(crate) inbox_wake: Notify,
    /// Look into the outbox.
    pub(crate) outbox_wake: Notify,
    /// Renew the leases.
    pub(crate) renewal_wake: Notify,
    /// Whether the node claims.
    pub(crate) pause: Pause,
    /// Cancelled when the node was asked to stop: nothing more is claimed.
    pub(crate) leaving: CancellationToken,
}

/// The hub's terms for a registered node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) heartbeat_seconds: u64,
    pub(crate) lease_seconds: u64,
}

impl Node {
    /// The length of a lease; unknown before the first registration.
    pub(crate) fn lease_seconds(&self) -> Option<u64> {
        self.terms.borrow().map(|terms| terms.lease_seconds)
    }

    /// Waits for the first registration.
    pub(crate) async fn until_registered(&self) {
        // An error would say that the sender is gone, and it is this node's own.
        if self.terms.subscribe().wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes up the terms of a registration.
    pub(crate) fn agree(&self, registered: &NodeRegistered) {
        let NodeRegistered { heartbeat_seconds, lease_seconds, token_life, .. } = *registered;
        self.notifier.token_lives(token_life);
        let terms = Some(Terms { heartbeat_seconds, lease_seconds });
        self.terms.send_if_modified(|known| std::mem::replace(known, terms) != terms);
        self.renewal_wake.notify_one();
    }

    /// The attempt no longer holds its task: work on it ends, and an answer of it is dropped.
    pub(crate) async fn lose(self: &Arc<Self>, attempt: &Attempt, reason: StopReason) {
        if !self.attempts.stop(attempt, reason) && self.attempts.is_answered(attempt) {
            self.drop_answer(attempt).await;
        }
    }

    /// The answer is delivered, or nobody waits for it.
    pub(crate) async fn drop_answer(self: &Arc<Self>, attempt: &Attempt) {
        if let Err(error) = on_disk(self, attempt, |node, attempt| node.outbox.remove(attempt)).await {
            // The next run sends it again, and the hub says that it has it.
            tracing::error!(task = %attempt.task_id, %error, "a delivered answer stays on the disk");
        }
        self.attempts.forget(attempt);
    }
}

/// Does disk work that waits for the disk (fsync) away from the threads that serve the network.
pub(crate) async fn on_disk<I, T>(
    node: &Arc<Node>,
    input: &I,
    work: impl FnOnce(&Node, &I) -> io::Result<T> + Send + 'static,
) -> io::Result<T>
where
    I: Clone + Send + 'static,
    T: Send + 'static,
{
    let (node, input) = (Arc::clone(node), input.clone());
    join(tokio::task::spawn_blocking(move || work(&node, &input)).await)
}

/// The result of a task of our own: its panic goes on as ours.
pub(crate) fn join<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    match joined {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("nothing aborts this task"),
        },
    }
}

/// What may be asked of a running node.
#[derive(Debug)]
pub struct Requests {
    /// Cancelled when it is to leave in good order.
    pub stop: CancellationToken,
    /// To pause claiming, and to resume it.
    pub claiming: mpsc::UnboundedReceiver<ClaimRequest>,
}

/// Runs a node until it is asked to stop or cannot go on. The exit code says which.
///
/// `token` is the node's token, of which each call uses the newest; `notify` tells the supervisor
/// what changed. On return no process that a task started is left.
///
/// It must run on a tokio runtime with time and I/O; agents die with the runtime's threads.
pub async fn run(
    settings: Settings,
    token: watch::Receiver<SecretString>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    notify: Arc<dyn Fn(&Notification) + Send + Sync>,
    requests: Requests,
) -> ExitCode {
    let notifier = Notifier::new(notify);
    match open(settings, token, clock, entropy, notifier).await {
        Ok((node, _lock_until_the_end)) => supervise(node, requests).await,
        Err((error, notifier)) => {
            let reason = chain(&error);
            tracing::error!(reason, "the node cannot start");
            notifier.failed(&reason);
            error.exit_code()
        }
    }
}

/// Checks the settings and takes up what an earlier run left.
async fn open(
    settings: Settings,
    token: watch::Receiver<SecretString>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    notifier: Notifier,
) -> Result<(Arc<Node>, DirectoryLock), (StartError, Notifier)> {
    let parts = async {
        let program = preflight::check(&settings)?;
        let own_token = token.borrow().clone();
        let hub = HubClient::new(&settings.hub, token, &settings.timing)?;
        // Before anything that another run could be using is touched.
        let lock = DirectoryLock::take(&settings).await?;
        let journal = preflight::directory(settings.state_dir.join("journal"), Journal::open)?;
        let outbox = preflight::directory(settings.state_dir.join("outbox"), Outbox::open)?;
        let attempts = preflight::take_up(&settings, &journal, &outbox).await?;
        let secrets = settings.agent_environment.iter().filter(|(key, value)| is_secret(key, value));
        let secrets = secrets.map(|(_, value)| SecretString::from(value.as_str())).chain([own_token]);
        let secrets = secrets.chain(settings.agent_secrets.iter().cloned());
        let redactor = Arc::new(Redactor::new(secrets));
        let runtime = Box::new(CommandRuntime::new(program, &settings, redactor));
        Ok((hub, lock, journal, outbox, attempts, runtime))
    }
    .await;
    let (hub, lock, journal, outbox, attempts, runtime) = match parts {
        Ok(parts) => parts,
        Err(error) => return Err((error, notifier)),
    };
    let node = Node {
        settings,
        hub,
        attempts,
        journal,
        outbox,
        runtime,
        clock,
        entropy,
        notifier,
        previous: lock.previous().to_vec(),
        terms: watch::Sender::new(None),
        connected: watch::Sender::new(false),
        session: Mutex::new(()),
        inbox_wake: Notify::new(),
        outbox_wake: Notify::new(),
        renewal_wake: Notify::new(),
        pause: Pause::default(),
        leaving: CancellationToken::new(),
    };
    Ok((Arc::new(node), lock))
}

/// Owns every task of the node. The first that ends the node, by its word or by a panic, ends all.
async fn supervise(node: Arc<Node>, requests: Requests) -> ExitCode {
    let Requests { stop, claiming } = requests;
    let (claimed, mut to_work_on) = mpsc::unbounded_channel();
    let mut services: JoinSet<ExitCode> = JoinSet::new();
    let mut workers: JoinSet<()> = JoinSet::new();
    services.spawn(link::run(Arc::clone(&node)));
    services.spawn(never_ends(inbox::run(Arc::clone(&node), claimed)));
    services.spawn(never_ends(renewal::run(Arc::clone(&node))));
    services.spawn(never_ends(outbox::run(Arc::clone(&node))));
    services.spawn(never_ends(heartbeat::run(Arc::clone(&node))));
    services.spawn(never_ends(pause::run(Arc::clone(&node), claiming)));
    let code = loop {
        tokio::select! {
            () = stop.cancelled(), if !node.leaving.is_cancelled() => {
                node.leaving.cancel();
                services.spawn(drain::run(Arc::clone(&node)));
            }
            () = node.hub.superseded.cancelled() => break superseded(&node),
            Some((task, stop)) = to_work_on.recv() => {
                workers.spawn(attempt::work(Arc::clone(&node), task, stop));
            }
            Some(joined) = services.join_next() => break exit_code(&node, joined),
            Some(joined) = workers.join_next() => if let Err(panic) = joined {
                break exit_code(&node, Err(panic));
            },
        }
    };
    services.shutdown().await;
    node.attempts.stop_all(StopReason::Abandoned);
    let ended = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(node.settings.timing.kill_grace + LAST_WAIT, ended).await.is_err() {
        tracing::error!("a task does not end; it is left to the kernel");
    }
    workers.shutdown().await;
    // Whatever a panic left behind.
    ProcessTree::of_instance(&node.settings.instance_id).kill(node.settings.timing.kill_grace).await;
    code
}

async fn never_ends(service: impl Future<Output = std::convert::Infallible>) -> ExitCode {
    match service.await {}
}

fn exit_code(node: &Node, joined: Result<ExitCode, tokio::task::JoinError>) -> ExitCode {
    joined.unwrap_or_else(|error| {
        let reason = format!("a part of the node failed: {error}");
        tracing::error!(reason);
        node.notifier.failed(&reason);
        ExitCode::Fault
    })
}

fn superseded(node: &Node) -> ExitCode {
    let reason = "another instance has taken this node over";
    tracing::error!(reason);
    node.notifier.disconnected(Link::Superseded, reason);
    ExitCode::Evicted
}

/// What a poisoned lock holds is still whole: every holder changes it in one step.
pub(crate) fn unpoisoned<T>(locked: Result<T, PoisonError<T>>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
