//! How the rest of the supervisor speaks to the actor of a process.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{ControlErrorCode, Desired, ProcessState, Requester, StartHub, StopRequest};
use tokio::sync::{mpsc, oneshot, watch};

use super::ready::wait_until_ready;
use super::snapshot::Words;
use super::{Command, Context, Snapshot, Started};
use crate::refusal::Refusal;

/// How long an upgrade waits for a hub that is being started or stopped; its next start binds anew then.
const LISTENER_PATIENCE: Duration = Duration::from_secs(1);

/// A handle on the actor; the actor ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct ProcessHandle {
    commands: mpsc::Sender<Box<Command>>,
    snapshots: watch::Receiver<Snapshot>,
    pub(crate) words: Words,
    context: Arc<Context>,
}

impl ProcessHandle {
    pub(super) fn new(
        commands: mpsc::Sender<Box<Command>>,
        snapshots: watch::Receiver<Snapshot>,
        words: Words,
        context: Arc<Context>,
    ) -> Self {
        Self { commands, snapshots, words, context }
    }

    /// How it is, as that changes.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// Has a node read its configuration again, for a token that was replaced.
    pub(crate) fn reread(&self) {
        if let Err(error) = self.commands.try_send(Box::new(Command::Reread)) {
            // It looks by itself as long as its token is refused.
            tracing::warn!(name = self.words.name, %error, "the node is not told to read its token again");
        }
    }

    /// How it is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshots.borrow().clone()
    }

    /// Starts it, and returns when it is ready; whether that changed anything. `patience` replaces the policy's
    /// `ready-timeout`.
    ///
    /// # Errors
    /// When it cannot be started, fails before it is ready, or is not ready in time.
    pub(crate) async fn start(
        &self,
        hub: Option<StartHub>,
        by: Option<Requester>,
        patience: Option<Duration>,
    ) -> Result<bool, Refusal> {
        let patience = patience.unwrap_or_else(|| self.patience());
        let started = self.begin(patience, |reply| Command::Start { hub, by, reply }).await?;
        self.until_ready(started, patience).await
    }

    /// Brings it down, and returns when its whole tree is proven dead; whether that changed anything.
    /// `desired` is what is wanted from now on; without it that stays as it is.
    ///
    /// # Errors
    /// When processes survive.
    pub(crate) async fn stop(&self, desired: Option<Desired>, asked: StopRequest) -> Result<bool, Refusal> {
        self.ask(|reply| Command::Stop { desired, asked, reply }).await
    }

    /// Stops it and starts it anew; returns when it is ready.
    ///
    /// # Errors
    /// As [`Self::stop`] and [`Self::start`].
    pub(crate) async fn restart(&self, asked: StopRequest, patience: Option<Duration>) -> Result<bool, Refusal> {
        let patience = patience.unwrap_or_else(|| self.patience());
        let started = self.begin(patience, |reply| Command::Restart { asked, reply }).await?;
        self.until_ready(started, patience).await
    }

    /// Has it finish what it has in hand and take nothing new, then stops it and starts it anew; returns when it is
    /// ready. When the future is dropped before that, it goes on as it was.
    ///
    /// # Errors
    /// As [`Self::restart`], and [`ControlErrorCode::StillBusy`] when it is not done after `patience`.
    pub(crate) async fn drain(&self, patience: Option<Duration>, asked: StopRequest) -> Result<bool, Refusal> {
        let until_ready = self.patience();
        let started = self.begin(until_ready, |reply| Command::Drain { patience, asked, reply }).await?;
        self.until_ready(started, until_ready).await
    }

    /// A duplicate of the hub's listening socket; none for a node, nor while the hub is busy with something else.
    pub(crate) async fn hub_listener(&self) -> Option<TcpListener> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.commands.send(Box::new(Command::HubListener { reply })).await.ok()?;
            answer.await.ok()?
        };
        tokio::time::timeout(LISTENER_PATIENCE, asked).await.ok().flatten()
    }

    /// Takes it out of the registry and ends its actor.
    ///
    /// # Errors
    /// When it runs.
    pub(crate) async fn forget(&self) -> Result<(), Refusal> {
        self.ask(|reply| Command::Forget { reply }).await
    }

    /// As [`Self::ask`], but no longer than a start may take when it has to wait for the hub; it stays wanted.
    async fn begin(
        &self,
        patience: Duration,
        command: impl FnOnce(oneshot::Sender<Result<Started, Refusal>>) -> Command,
    ) -> Result<Started, Refusal> {
        let answer = self.ask(command);
        tokio::pin!(answer);
        if let Ok(answer) = tokio::time::timeout(patience, answer.as_mut()).await {
            return answer;
        }
        if !matches!(self.snapshot().process, ProcessState::Waiting { .. }) {
            return answer.await;
        }
        let name = &self.words.name;
        let error = format!(
            "{name} is not started yet: the hub is not ready after {} s; it is started as soon as the hub is",
            patience.as_secs()
        );
        Err(Refusal::new(ControlErrorCode::NotReady, error).hint("anet hub status"))
    }

    fn patience(&self) -> Duration {
        self.context.policy(self.words.node.as_ref()).ready_timeout
    }

    async fn until_ready(&self, started: Started, patience: Duration) -> Result<bool, Refusal> {
        // That it is wanted; the disk is waited for while the process becomes ready.
        let durable = self.context.store.durable();
        let mut snapshots = self.snapshots.clone();
        wait_until_ready(&mut snapshots, &started.instance, &self.words, patience).await?;
        durable.await.map_err(Refusal::internal)?;
        Ok(started.changed)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Command) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Box::new(command(reply))).await.map_err(|_| Refusal::leaving())?;
        answer.await.map_err(|_| Refusal::leaving())?
    }
}
