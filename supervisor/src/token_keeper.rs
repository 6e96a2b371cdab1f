//! Keeps the token of one node working while the supervisor runs: repaired when the hub refuses it, replaced before it
//! ends.
//!
//! What happens is in `token_repair`; here is when. A repair that failed is tried again with growing pauses; one that a
//! dead login blocks waits for another login, and one that a person must mend waits for the person (R47, R48).

mod rotation;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{ExitCause, Happening, Observed, ProcessState, StopReason, StopRequest, TokenState};
use anet_protocol::exit_code::ExitCode;
use anet_protocol::notification::Link;
use anet_protocol::rest::TokenLife;
use anet_protocol::time::Timestamp;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::events::News;
use crate::launch::NodeProgram;
use crate::login::Login;
use crate::process::{Context, ProcessHandle, Snapshot};
use crate::token_repair::{Cause, NodeConfigFile, Repair, RepairError, RepairOutcome, Repaired};
use schedule::Schedule;

/// No wait for a moment of the wall clock is longer without a look at the clock, which may be set.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(600);

/// What is being done about the token; `None` when nothing is.
pub(crate) type TokenStates = watch::Receiver<Option<Observed<TokenState>>>;

/// The keeper of one node's token.
pub(crate) struct TokenKeeper {
    context: Arc<Context>,
    program: NodeProgram,
    handle: ProcessHandle,
    snapshots: watch::Receiver<Snapshot>,
    state: watch::Sender<Option<Observed<TokenState>>>,
    schedule: Schedule,
    /// The life for which a moment was drawn, and the moment.
    rotation: Option<(TokenLife, Timestamp)>,
}

/// Why a token is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// The hub refuses it.
    Refused,
    /// It ends, and has lived long enough.
    Ends(TokenLife),
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// The time has come, or a file was changed.
    TryAgain,
    /// A person has logged in again: whatever failed before does not count.
    LoginChanged,
    /// The need is gone.
    Settled,
    /// The node was forgotten.
    Gone,
}

impl TokenKeeper {
    /// The keeper, and what it says of the token.
    pub(crate) fn new(context: Arc<Context>, program: NodeProgram, handle: ProcessHandle) -> (Self, TokenStates) {
        let (state, states) = watch::channel(None);
        let snapshots = handle.snapshots();
        let schedule = Schedule::default();
        (Self { context, program, handle, snapshots, state, schedule, rotation: None }, states)
    }

    /// Lives until the node is forgotten.
    pub(crate) async fn run(mut self) {
        while let Some(need) = self.until_needed().await {
            // Apart, so that a keeper with nothing to do is small (R6).
            if Box::pin(self.mend(need)).await == Woken::Gone {
                return;
            }
            self.say(None);
        }
    }

    async fn until_needed(&mut self) -> Option<Need> {
        loop {
            let (is_refused, life) = {
                let snapshot = self.snapshots.borrow_and_update();
                (is_refused(&snapshot), snapshot.token_life)
            };
            if is_refused {
                return Some(Need::Refused);
            }
            let wait = life.map(|life| self.until_rotation(life));
            if let (Some(life), Some(Duration::ZERO)) = (life, wait) {
                return Some(Need::Ends(life));
            }
            tokio::select! {
                changed = self.snapshots.changed() => changed.ok()?,
                () = sleep(wait.map(|wait| wait.min(LOOK_AT_CLOCK))) => {}
            }
        }
    }

    /// How long a token is left alone.
    fn until_rotation(&mut self, life: TokenLife) -> Duration {
        let moment = match self.rotation {
            Some((known, moment)) if known == life => moment,
            _ => rotation::moment(life, u32::from_ne_bytes(self.context.entropy.bytes())),
        };
        self.rotation = Some((life, moment));
        rotation::between(self.context.clock.now(), moment)
    }

    /// Tries until the need is gone.
    async fn mend(&mut self, need: Need) -> Woken {
        let mut pushed = 0_u32;
        loop {
            self.tell(TokenState::Repairing);
            let login = Login::read(&self.context.paths.home);
            let known = login.as_ref().map_or([0; 32], Login::digest);
            let repaired = match &login {
                Ok(login) => self.repair(need, login).await,
                Err(error) => Err(RepairError::Fault(error.to_string())),
            };
            let pause = match repaired {
                Ok(Repaired {
                    outcome: RepairOutcome::Repaired { .. } | RepairOutcome::AlreadyValid { .. },
                    requests,
                }) => {
                    let patience = self.context.settings.token_patience;
                    if let woken @ (Woken::Settled | Woken::Gone) = self.wait(need, Some(patience), known).await {
                        self.schedule.reset();
                        return woken;
                    }
                    pushed += 1;
                    if pushed > 1 {
                        self.restart().await;
                    }
                    Some(self.next_pause(requests, None))
                }
                Ok(Repaired { outcome: RepairOutcome::AuthBlocked { reason, hint }, .. }) => {
                    tracing::warn!(node = self.program.name, reason, "the token cannot be repaired before a login");
                    self.tell(TokenState::AuthBlocked { reason, hint });
                    None
                }
                Ok(Repaired { outcome: RepairOutcome::NeedsAttention { reason, hint }, .. }) => {
                    tracing::warn!(node = self.program.name, reason, "the token cannot be repaired");
                    self.tell(TokenState::NeedsAttention { reason, hint });
                    None
                }
                Ok(Repaired { outcome: RepairOutcome::Later { reason, retry_after }, requests }) => {
                    let pause = self.next_pause(requests, retry_after);
                    tracing::info!(node = self.program.name, reason, ?pause, "the token is not repaired yet");
                    self.tell(TokenState::Waiting { reason, until: self.context.clock.now().plus(pause) });
                    Some(pause)
                }
                Err(error) => {
                    tracing::warn!(node = self.program.name, %error, "the token cannot be repaired");
                    let hint = format!("anet doctor {}", self.program.name);
                    self.tell(TokenState::NeedsAttention { reason: error.to_string(), hint });
                    None
                }
            };
            match self.wait(need, pause, known).await {
                Woken::TryAgain => {}
                Woken::LoginChanged => {
                    self.tell_event(Happening::Login);
                    self.schedule.reset();
                }
                woken @ (Woken::Settled | Woken::Gone) => return woken,
            }
        }
    }

    async fn repair(&self, need: Need, login: &Login) -> Result<Repaired, RepairError> {
        let directory = self.program.directory();
        let cause = match need {
            Need::Refused => Cause::Check,
            Need::Ends(_) => match NodeConfigFile::read(&directory)?.token() {
                Some(token) => Cause::Rotation(token),
                None => Cause::Check,
            },
        };
        let switch = || self.handle.reread();
        let mut repair = Repair::new(&directory, login, cause, &*self.context.entropy);
        repair.switch = &switch;
        repair.run_counted().await
    }

    fn next_pause(&mut self, requests: u32, retry_after: Option<Duration>) -> Duration {
        let draw = u32::from_ne_bytes(self.context.entropy.bytes());
        self.schedule.next(Instant::now(), requests, retry_after, draw)
    }

    /// Waits for what may change the outcome: the pause, another login than the `known` one, a change of the node's
    /// configuration where only that can help, or the end of the need.
    async fn wait(&mut self, need: Need, pause: Option<Duration>, known: [u8; 32]) -> Woken {
        let home = self.context.paths.home.clone();
        let interval = self.context.settings.mended_interval;
        let watcher = &self.context.directory_watcher;
        let mut logins = watcher.changes(home.clone(), interval);
        let mut files = pause.is_none().then(|| watcher.changes(self.program.directory(), interval));
        let before = self.config_digest();
        let end = sleep(pause);
        tokio::pin!(end);
        loop {
            if !self.is_needed(need) {
                return Woken::Settled;
            }
            tokio::select! {
                changed = self.snapshots.changed() => if changed.is_err() { return Woken::Gone },
                () = &mut end => return Woken::TryAgain,
                Some(()) = logins.next() => {
                    // A file that is half written or broken is no login.
                    if Login::read(&home).is_ok_and(|login| login.digest() != known) {
                        return Woken::LoginChanged;
                    }
                }
                Some(()) = next(&mut files) => if self.config_digest() != before { return Woken::TryAgain },
            }
        }
    }

    fn is_needed(&mut self, need: Need) -> bool {
        let snapshot = self.snapshots.borrow_and_update();
        match need {
            Need::Refused => is_refused(&snapshot),
            Need::Ends(life) => snapshot.token_life == Some(life) && !is_refused(&snapshot),
        }
    }

    fn config_digest(&self) -> Option<[u8; 32]> {
        Some(Sha256::digest(std::fs::read(self.program.config_path()).ok()?).into())
    }

    async fn restart(&self) {
        tracing::warn!(node = self.program.name, "the node does not take its new token, so it is restarted");
        let asked = StopRequest { reason: StopReason::Changed, by: None };
        if let Err(refusal) = self.handle.restart(asked, None).await {
            tracing::error!(node = self.program.name, error = refusal.0.error, "the node is not restarted");
        }
    }

    fn tell(&self, value: TokenState) {
        self.say(Some(value));
    }

    /// Shows what is being done, and tells those who listen where that is another thing than before.
    fn say(&self, token: Option<TokenState>) {
        let now = token.clone().map(|value| Observed { value, at: self.context.clock.now() });
        let before = self.state.send_replace(now).map(|before| before.value);
        let kind = |token: &Option<TokenState>| token.as_ref().map(std::mem::discriminant);
        if kind(&before) != kind(&token) {
            self.tell_event(Happening::Token { token });
        }
    }

    fn tell_event(&self, happening: Happening) {
        let (name, project) = (self.program.name.clone(), Some(self.program.project.clone()));
        let process = self.handle.snapshot().process;
        self.context.events.tell(self.context.clock.now(), News { name, project, process, happening, by: None });
    }
}

/// Whether the hub refuses the node's token: as the node tells, or by the exit code of older versions.
fn is_refused(snapshot: &Snapshot) -> bool {
    let refused = ExitCause::Code { code: ExitCode::TokenRefused.code().into() };
    match &snapshot.process {
        ProcessState::Starting { .. } | ProcessState::Running { .. } => {
            snapshot.link.as_ref().is_some_and(|link| link.value == Link::Unauthorized)
        }
        ProcessState::NeedsAttention { last_exit, .. } => last_exit.cause == refused,
        _ => false,
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

async fn next(changes: &mut Option<crate::directory_watcher::Changes>) -> Option<()> {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}
