//! One process (the hub, or a node) and the actor that owns its life.
//!
//! The actor is a state machine over [`Phase`]. It waits for what a person asks, for the process
//! to end, for what the process tells, and for its own timer; all it knows is published as a
//! [`Snapshot`], so that looking never waits for acting.

mod adopt;
mod backoff;
mod command;
mod context;
mod drain;
mod exit;
mod handle;
mod incident;
mod lateness;
mod leader;
mod mended;
mod notice;
mod ready;
mod snapshot;
mod spawn;
mod start;
mod stop;
mod storm;
mod transition;
mod wait;

use std::sync::Arc;

use anet_protocol::control::{Desired, Exit, Observed, Requester, StopRequest};
use anet_protocol::notification::Link;
use anet_protocol::rest::TokenLife;
use anet_protocol::time::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::capture::Capture;
use crate::directory_watcher::Changes;
use crate::launch::Program;
use crate::notify_socket::Told;
use crate::policy::Policy;
use crate::state_file::{History, ProcessRecord};
use crate::system::boot_time::BootTime;
use crate::system::tree::Tree;

pub(crate) use command::{Command, Started};
pub(crate) use context::Context;
pub(crate) use handle::ProcessHandle;
pub(crate) use snapshot::Snapshot;
pub(crate) use storm::Storm;
pub(crate) use wait::HubGate;

use command::StartReply;
use drain::Drain;
use incident::{Incident, incident};
use leader::LeaderProcess;
use transition::Failures;

/// How many notifications of one process may wait.
const NOTIFICATION_BACKLOG: usize = 64;
/// How many requests for one process may wait.
const COMMAND_BACKLOG: usize = 128;

/// Where a process stands. `mended` has an item when the files that may be at fault were changed.
enum Phase {
    Stopped { since: Timestamp, last_exit: Option<Exit> },
    Alive(Box<Alive>),
    Waiting { since: Timestamp, last_exit: Option<Exit>, replies: Vec<StartReply> },
    Backoff { wake: BootTime, until: Timestamp, last_exit: Exit },
    NeedsAttention { since: Timestamp, reason: String, last_exit: Exit, mended: Option<Changes> },
}

/// A living process.
struct Alive {
    leader: LeaderProcess,
    record: ProcessRecord,
    /// Since when the supervisor knows it as ready.
    ready_since: Option<BootTime>,
    /// When it was started or taken over.
    begun: BootTime,
    /// When it last said that it is alive and not stuck.
    sign_of_life: BootTime,
    /// What of its waiting has run out.
    lateness: Lateness,
    /// It was started by an earlier supervisor.
    is_adopted: bool,
    /// Whether it takes new tasks, as it last said; one that never did does not understand a pause.
    paused: Option<bool>,
    /// Set once it was asked to leave.
    stopping_since: Option<Timestamp>,
    /// Its last `X_ANET_ERROR`.
    error: Option<String>,
    /// Its last `X_ANET_HINT`.
    hint: Option<String>,
}

impl Alive {
    fn tree(&self) -> Tree {
        Tree { leader: Some((self.leader.pid, self.leader.start_time)), ..self.record.tree() }
    }
}

/// What a living process should have done by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lateness {
    /// Nothing.
    InTime,
    /// It should be ready (R34).
    Slow,
    /// It should have given a sign of life (R35).
    Hung,
}

/// The actor.
pub(crate) struct Process {
    context: Arc<Context>,
    program: Program,
    desired: Desired,
    phase: Phase,
    failures: Failures,
    /// Its number among those that may fail together.
    number: u64,
    /// When it was last restarted for giving no sign of life.
    revived: Option<BootTime>,
    /// Starts since a person last asked for one.
    restarts: u32,
    link: Option<Observed<Link>>,
    work: Option<Observed<u32>>,
    /// The life of the node's token, where it ends.
    token_life: Option<TokenLife>,
    proof_of_life: Option<Timestamp>,
    /// The last start that ended, and how.
    ended: Option<(String, Exit)>,
    /// Its starts and exits so far.
    history: Arc<History>,
    /// Why it was last told to end, until it has.
    asked: Option<StopRequest>,
    /// Who asked for what is being done just now.
    by: Option<Requester>,
    /// A restart that waits until nothing is in hand.
    drain: Option<Drain>,
    /// What an earlier start left and is not proven dead.
    leftovers: Option<Tree>,
    /// The port that its last start was to listen on, as far as one was declared.
    port: Option<u16>,
    /// What it writes.
    capture: Capture,
    /// Boxed: the channel has room for 32 items from the beginning, of which a process at rest needs none (R6).
    commands: mpsc::Receiver<Box<Command>>,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
    snapshot: watch::Sender<Snapshot>,
}

impl Process {
    /// A process that does not run yet, and the handle on its actor.
    pub(crate) fn new(
        context: Arc<Context>,
        program: Program,
        desired: Desired,
        history: History,
    ) -> (Self, ProcessHandle) {
        let (send_commands, commands) = mpsc::channel(COMMAND_BACKLOG);
        let (tell, told) = mpsc::channel(NOTIFICATION_BACKLOG);
        let phase = Phase::Stopped { since: context.clock.now(), last_exit: None };
        let history = Arc::new(history);
        let (snapshot, snapshots) =
            watch::channel(Snapshot::stopped(context.clock.now(), desired, Arc::clone(&history)));
        let words = snapshot::Words::of(&program);
        let number = context.storm.enter();
        let handle = ProcessHandle::new(send_commands, snapshots, words, Arc::clone(&context));
        let captures = Arc::clone(&context.captures);
        let capture = Capture::new(captures, program.log_directory(&context.paths));
        let process = Self {
            context,
            program,
            desired,
            phase,
            failures: Failures::default(),
            number,
            revived: None,
            restarts: 0,
            link: None,
            work: None,
            token_life: None,
            proof_of_life: None,
            ended: None,
            history,
            asked: None,
            by: None,
            drain: None,
            leftovers: None,
            port: None,
            capture,
            commands,
            tell,
            told,
            snapshot,
        };
        (process, handle)
    }

    /// Lives until the last handle is gone or the process is forgotten.
    pub(crate) async fn run(mut self) {
        // What it does is kept apart from what waits, so that a process to which nothing happens costs little (R6).
        Box::pin(self.reconcile()).await;
        let mut hub_gate = self.context.hub_gate.subscribe();
        loop {
            let watched = self.next_lateness();
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => if Box::pin(self.obey(*command)).await.is_break() { return },
                    None => return,
                },
                incident = incident(&mut self.phase, &mut hub_gate, watched, self.drain.as_mut()) => {
                    Box::pin(self.on_incident(incident)).await;
                }
                Some((leader, notification)) = self.told.recv() => {
                    Box::pin(self.on_notification(leader, *notification)).await;
                    Box::pin(self.go_on_draining()).await;
                }
            }
        }
    }

    async fn obey(&mut self, command: Command) -> std::ops::ControlFlow<()> {
        // Whoever asked may be gone; what was done stays done.
        match command {
            Command::Start { hub, by, reply } => {
                self.by = by;
                self.start_or_wait(hub, reply).await;
            }
            Command::Stop { desired, asked, reply } => {
                self.by.clone_from(&asked.by);
                drop(reply.send(self.stop(desired, asked).await));
            }
            Command::Restart { asked, reply } => {
                self.by.clone_from(&asked.by);
                self.restart(asked, reply).await;
            }
            Command::Drain { patience, asked, reply } => {
                self.by.clone_from(&asked.by);
                self.drain(patience, asked, reply).await;
            }
            Command::HubListener { reply } => drop(reply.send(self.program.listener())),
            Command::Reread => self.signal_reread(),
            Command::Forget { reply } => {
                let outcome = self.forget().await;
                let is_forgotten = outcome.is_ok();
                drop(reply.send(outcome));
                if is_forgotten {
                    return std::ops::ControlFlow::Break(());
                }
            }
        }
        self.by = None;
        std::ops::ControlFlow::Continue(())
    }

    async fn on_incident(&mut self, incident: Incident) {
        match incident {
            Incident::Exited(cause) => self.on_exit(cause).await,
            Incident::PauseOver => self.start_again().await,
            Incident::FilesChanged if self.desired == Desired::Running => {
                tracing::info!(name = self.program.name(), "its files were changed, trying again");
                self.failures = Failures::default();
                self.start_again().await;
            }
            Incident::FilesChanged => {}
            Incident::HubReady => self.stop_waiting().await,
            Incident::Late(lateness) => self.is_late(lateness).await,
            Incident::DrainOver(end) => self.give_up_draining(end),
        }
    }

    /// The policy in force for it.
    fn policy(&self) -> Policy {
        self.context.policy(self.program.node())
    }

    /// Writes what is wanted; returns when it survives the supervisor.
    async fn save_desired(&self) -> Result<(), crate::state_file::StateError> {
        self.context.store.note(|state| self.program.record_desired(state, self.desired, (*self.history).clone())).await
    }

    /// Writes what is wanted and what was started; returns when it survives the supervisor.
    async fn save(&self, process: Option<ProcessRecord>) -> Result<(), crate::state_file::StateError> {
        let history = (*self.history).clone();
        self.context.store.note(|state| self.program.record(state, self.desired, process, history)).await
    }
}
