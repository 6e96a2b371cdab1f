//! Notices that the files of a running node were changed, or that the settings name another hub, and does what its policy
//! says: drain it and restart it once it has nothing in hand, restart it at once, or only say so.
//!
//! What counts is what the next start would be given, not the files: an edit that changes nothing restarts nothing, and
//! neither does a new token, which a node takes while it runs.

use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{ControlErrorCode, Desired, StopReason, StopRequest};
use futures_util::future::BoxFuture;
use futures_util::stream::select;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;

use crate::launch::fingerprint::Fingerprint;
use crate::launch::{LaunchError, NodeProgram, Program};
use crate::policy::{EnvChange, Policy};
use crate::process::{Context, ProcessHandle, Snapshot};

/// Editors save in several steps; what is half written is not judged.
const SETTLING: Duration = Duration::from_millis(150);

/// How often files are looked at where the system does not tell of changes.
const LOOK: Duration = Duration::from_secs(5);

/// What of a running node is not as it would be started now, a word each.
pub(crate) type Differences = watch::Receiver<Vec<&'static str>>;

/// What of the running start is not as it would be now; nothing when it does not run.
///
/// # Errors
/// When it could not be started now.
pub(crate) fn differences(
    context: &Context,
    node: &NodeProgram,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Result<Vec<&'static str>, LaunchError> {
    let (Some(started), Some(instance), Desired::Running) =
        (&snapshot.fingerprint, &snapshot.instance, snapshot.desired)
    else {
        return Ok(Vec::new());
    };
    let mut program = Program::Node(node.clone());
    let launch = program.prepare(context, instance)?;
    Ok(started.differences(&Fingerprint::of(&launch, context, policy, instance)))
}

/// The keeper of one node.
pub(crate) struct ChangeKeeper {
    context: Arc<Context>,
    program: NodeProgram,
    handle: ProcessHandle,
    told: watch::Sender<Vec<&'static str>>,
}

/// When a node is restarted.
#[derive(Clone, Copy, Debug)]
enum When {
    /// At once.
    Now,
    /// When it has finished its tasks, and it takes no new one.
    Drained,
}

async fn finished(restart: Option<&mut BoxFuture<'_, ()>>) {
    match restart {
        Some(restart) => restart.await,
        None => std::future::pending().await,
    }
}

impl ChangeKeeper {
    /// The keeper, and what it finds.
    pub(crate) fn new(context: Arc<Context>, program: NodeProgram, handle: ProcessHandle) -> (Self, Differences) {
        let (told, differences) = watch::channel(Vec::new());
        (Self { context, program, handle, told }, differences)
    }

    /// Lives until the node is forgotten.
    pub(crate) async fn run(self) {
        let mut snapshots = self.handle.snapshots();
        while snapshots.wait_for(|snapshot| snapshot.fingerprint.is_some()).await.is_ok() {
            let watcher = &self.context.directory_watcher;
            let own = watcher.changes(self.program.directory(), LOOK);
            // The settings name the hub.
            let mut changes = select(own, watcher.changes(self.context.paths.home.clone(), LOOK));
            // Apart, so that a keeper with nothing to do is small (R6).
            let mut restart: Option<BoxFuture<'_, ()>> = None;
            // Until it ends; what it is started with then is read then.
            loop {
                let is_waiting = !self.told.borrow().is_empty();
                let is_told = tokio::select! {
                    Some(()) = changes.next() => true,
                    told = snapshots.changed() => if told.is_err() { return } else { false },
                    () = finished(restart.as_mut()) => {
                        restart = None;
                        continue;
                    }
                };
                if is_told {
                    tokio::time::sleep(SETTLING).await;
                    // What was told meanwhile is judged with it.
                    while let Some(Some(())) = changes.next().now_or_never() {}
                }
                let snapshot = snapshots.borrow_and_update().clone();
                if snapshot.fingerprint.is_none() {
                    self.told.send_replace(Vec::new());
                    break;
                }
                // A sign of life alone is no reason to read files, unless a restart waits for it.
                if is_told || is_waiting {
                    restart = match (self.judge(&snapshot), restart.take()) {
                        (Some(when), under_way) => Some(under_way.unwrap_or_else(|| self.restart(when).boxed())),
                        // The edit was taken back, and dropping it gives the draining up.
                        (None, _) => None,
                    };
                }
            }
            if let Some(restart) = restart {
                restart.await;
            }
        }
    }

    /// Compares, and says when to restart it, if at all.
    fn judge(&self, snapshot: &Snapshot) -> Option<When> {
        let policy = self.context.policy(Some(&self.program));
        // A node whose files are broken runs on; a restart would only end it.
        let found = differences(&self.context, &self.program, snapshot, &policy).unwrap_or_default();
        let is_news = *self.told.borrow() != found;
        if is_news {
            tracing::info!(node = self.program.name, changed = ?found, "its files were compared with what it runs with");
            self.told.send_replace(found.clone());
        }
        let when = match policy.env_change {
            // One that never tells what it has in hand is never known to be idle.
            EnvChange::RestartWhenIdle => snapshot.work.is_some().then_some(When::Drained)?,
            EnvChange::Now => When::Now,
            EnvChange::Ask => return None,
        };
        // Another program file, or other limits, are for a person to apply: an upgrade restarts no node.
        let is_edited = found.iter().any(|word| ["environment", "configuration", "hub"].contains(word));
        is_edited.then_some(when)
    }

    async fn restart(&self, when: When) {
        let asked = StopRequest { reason: StopReason::Changed, by: None };
        let patience = self.context.policy(Some(&self.program)).drain_timeout;
        let outcome = match when {
            When::Drained => self.handle.drain(Some(patience), asked).await,
            When::Now => self.handle.restart(asked, None).await,
        };
        if let Err(refusal) = outcome {
            if refusal.0.code == ControlErrorCode::StillBusy {
                tracing::warn!(
                    node = self.program.name,
                    error = refusal.0.error,
                    "the changed node is not restarted yet"
                );
                // Others have their turn before one endless task is waited for again.
                tokio::time::sleep(patience).await;
                return;
            }
            tracing::error!(node = self.program.name, error = refusal.0.error, "the changed node is not running again");
        }
    }
}
