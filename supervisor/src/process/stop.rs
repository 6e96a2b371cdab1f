//! Bringing a process down: asked first, then killed with its whole tree, answered when proven dead.

use anet_protocol::control::{ControlErrorCode, Desired, Exit, ExitCause, StopRequest};
use rustix::process::Signal;
use tokio::time::timeout;

use super::transition::Failures;
use super::{Phase, Process};
use crate::launch::{LaunchError, Program, refuse_taken_port};
use crate::refusal::Refusal;

impl Process {
    /// Stops it. `desired` is what is wanted from now on: known to the next supervisor before anything is signalled, and
    /// on disk before this returns. Where it cannot be put on record it is stopped all the same: it may be what fills
    /// the disk.
    ///
    /// # Errors
    /// [`ControlErrorCode::StopFailed`] names the survivors, or who holds the declared port although all are dead;
    /// [`ControlErrorCode::Internal`] when it is stopped and that is not on record.
    pub(super) async fn stop(&mut self, desired: Option<Desired>, asked: StopRequest) -> Result<bool, Refusal> {
        let was_stopped = matches!(self.phase, Phase::Stopped { .. }) && self.leftovers.is_none();
        let is_asked = desired.is_some();
        let desired = desired.unwrap_or(self.desired);
        if was_stopped && self.desired == desired {
            return Ok(false);
        }
        self.give_up_waiting();
        self.desired = desired;
        let intent = self.save_desired().await;
        let durable = self.context.store.durable();
        self.context.settings.failpoint.pass("stop recorded");
        let last_exit = self.bring_down(asked).await?;
        self.context.settings.failpoint.pass("process gone");
        let end = self.save(None).await;
        self.context.settings.failpoint.pass("death recorded");
        self.close_socket();
        self.failures = Failures::default();
        self.phase = Phase::Stopped { since: self.context.clock.now(), last_exit };
        self.publish();
        intent.and(end).and(durable.await).map_err(|error| {
            // The store tries again each second.
            Refusal::internal(format!("{} is stopped, but that is not on record: {error}", self.program.name()))
                .hint("it is written down as soon as it can be; a supervisor that is started before starts it again")
        })?;
        if is_asked {
            self.check_port_is_free()?;
        }
        Ok(!was_stopped)
    }

    /// Whoever holds the declared port when everything of this process is dead cannot be proven to be of it, so it is
    /// named and not killed (R20).
    fn check_port_is_free(&self) -> Result<(), Refusal> {
        let Some(Err(LaunchError::PortTaken { error })) = self.port.map(refuse_taken_port) else { return Ok(()) };
        let error = format!("{} is stopped, but its {error}", self.program.name());
        let hint =
            "if that belongs to it all the same, end it yourself: nothing proves that this supervisor started it";
        Err(Refusal::new(ControlErrorCode::StopFailed, error).hint(hint))
    }

    /// Takes it out of the registry.
    ///
    /// # Errors
    /// [`ControlErrorCode::StillRunning`] while anything of it lives.
    pub(super) async fn forget(&mut self) -> Result<(), Refusal> {
        if matches!(self.phase, Phase::Alive(_) | Phase::Waiting { .. }) || self.sweep_leftovers().await.is_err() {
            let error = format!("{} runs", self.program.name());
            return Err(Refusal::new(ControlErrorCode::StillRunning, error).hint(self.program.words("stop")));
        }
        let Program::Node(node) = &self.program else {
            return Err(Refusal::new(ControlErrorCode::InvalidInput, "the hub cannot be forgotten"));
        };
        let is_it = |name: &str, project: &std::path::Path| name == node.name && project == node.project;
        let remove = |state: &mut crate::state_file::State| {
            state.nodes.retain(|record| !is_it(&record.name, &record.project));
        };
        self.context.store.update(remove).await.map_err(Refusal::internal)
    }

    /// Ends the process and everything it started; how it ended last.
    pub(super) async fn bring_down(&mut self, asked: StopRequest) -> Result<Option<Exit>, Refusal> {
        self.overtake_drain();
        let last_exit = match self.terminate(asked, self.policy().stop_signal.signal()).await {
            Some(cause) => {
                let exit = self.take_exit(cause).await;
                self.bury(exit.clone());
                Some(exit)
            }
            None => self.ended.as_ref().map(|(_, exit)| exit.clone()),
        };
        match self.sweep_leftovers().await {
            Ok(()) => Ok(last_exit),
            Err(error) => {
                let since = self.context.clock.now();
                let reason = format!("it could not be stopped: {error}");
                let last_exit = last_exit.unwrap_or_else(|| self.exit_without_a_process(ExitCause::Unknown));
                self.phase = Phase::NeedsAttention { since, reason: reason.clone(), last_exit, mended: None };
                self.publish();
                Err(Refusal::new(ControlErrorCode::StopFailed, format!("{}: {reason}", self.program.name())))
            }
        }
    }

    /// Asks the living process to leave by `signal` and kills its tree when it does not; `None` when there is none.
    pub(super) async fn terminate(&mut self, asked: StopRequest, signal: Signal) -> Option<ExitCause> {
        let grace = self.policy().stop_grace;
        let Phase::Alive(alive) = &mut self.phase else { return None };
        alive.stopping_since = Some(self.context.clock.now());
        self.asked = Some(asked);
        self.publish();
        let Phase::Alive(alive) = &self.phase else { return None };
        if let Err(error) = alive.leader.signal(signal) {
            tracing::warn!(pid = alive.leader.pid, %error, "cannot ask a process to leave");
        }
        self.context.settings.failpoint.pass("asked to leave");
        let settings = &self.context.settings;
        if let Ok(cause) = timeout(grace, alive.leader.exited()).await {
            return Some(cause);
        }
        tracing::warn!(pid = alive.leader.pid, "it did not leave when asked, killing its tree");
        if let Err(error) = alive.tree().kill(&self.context.table, settings.kill_timeout).await {
            // Told by the sweep that follows, which tries once more.
            tracing::error!(pid = alive.leader.pid, %error, "cannot kill");
        }
        Some(timeout(settings.kill_timeout, alive.leader.exited()).await.unwrap_or(ExitCause::Unknown))
    }
}
