//! What happens when a process ends that nobody asked to.

use std::sync::Arc;

use anet_protocol::control::{Desired, Exit, ExitCause};
use nix::libc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::verdict::{Verdict, verdict};
use super::{Alive, Phase, Process, backoff};
use crate::system::control_group::ControlGroup;

impl Process {
    pub(super) async fn on_exit(&mut self, cause: ExitCause) {
        let exit = self.take_exit(cause).await;
        let Some((was_ready, uptime)) = self.bury(exit.clone()) else { return };
        let swept = self.sweep_leftovers().await;
        if let Err(error) = &swept {
            tracing::error!(name = self.program.name(), %error, "leftovers survive");
        } else if let Err(error) = self.save(None).await {
            tracing::error!(name = self.program.name(), %error, "the state could not be saved");
        }
        if backoff::is_stable(&self.policy().start_backoff, uptime, self.last_pause) {
            self.failures = 0;
        }
        if self.desired == Desired::Stopped {
            self.close_socket();
            self.phase = Phase::Stopped { since: exit.at, last_exit: Some(exit) };
            self.publish();
            return;
        }
        match verdict(&exit.cause, was_ready) {
            Verdict::RestartLater => {
                self.back_off(exit);
                self.publish();
            }
            Verdict::RestartNow => self.start_again().await,
            Verdict::GiveUp => {
                self.close_socket();
                let reason = exit.sentence();
                let mended = self.mended();
                self.phase = Phase::NeedsAttention { since: exit.at, reason, last_exit: exit, mended };
                self.publish();
            }
        }
    }

    /// Everything the process told before its end, and its last words among it.
    pub(super) async fn take_exit(&mut self, cause: ExitCause) -> Exit {
        let at = self.context.clock.now();
        let (flushed, flush) = oneshot::channel();
        if self.context.flushes.send(flushed).await.is_ok() {
            // An error means that the notify socket is closed: nothing more will come.
            drop(flush.await);
        }
        while let Ok((leader, notification)) = self.told.try_recv() {
            self.on_notification(leader, notification).await;
        }
        // Before anybody is told of the end (R62).
        let written = self.capture.settle().await;
        let (last_words, hint) = match &self.phase {
            Phase::Alive(alive) => (alive.error.clone().or(written), alive.hint.clone()),
            Phase::Stopped { .. } | Phase::Backoff { .. } | Phase::NeedsAttention { .. } => (None, None),
        };
        let asked = self.asked.take();
        let started_at = match &self.phase {
            Phase::Alive(alive) => Some(alive.record.started_at),
            Phase::Stopped { .. } | Phase::Backoff { .. } | Phase::NeedsAttention { .. } => None,
        };
        let cause = self.judge(cause);
        Exit { at, incarnation: self.history.starts, started_at, cause, asked, last_words, hint }
    }

    /// The kernel tells a parent only of the signal; that memory was the reason stands in the control group.
    fn judge(&self, cause: ExitCause) -> ExitCause {
        let Phase::Alive(alive) = &self.phase else { return cause };
        let is_kill = matches!(cause, ExitCause::Signal { signal: libc::SIGKILL, .. });
        let group = alive.record.control_group.clone().and_then(ControlGroup::open);
        if is_kill && group.is_some_and(|group| group.ran_out_of_memory()) {
            return ExitCause::OutOfMemory;
        }
        cause
    }

    /// The exit of a start that left nothing to ask.
    pub(super) fn exit_without_a_process(&self, cause: ExitCause) -> Exit {
        let (at, incarnation) = (self.context.clock.now(), self.history.starts);
        Exit { at, incarnation, started_at: None, cause, asked: None, last_words: None, hint: None }
    }

    /// Turns the dead process into leftovers to be swept; tells whether it was ever ready and for how long.
    pub(super) fn bury(&mut self, exit: Exit) -> Option<(bool, std::time::Duration)> {
        let placeholder = Phase::Stopped { since: exit.at, last_exit: Some(exit.clone()) };
        let before = std::mem::replace(&mut self.phase, placeholder);
        let Phase::Alive(alive) = before else {
            self.phase = before;
            return None;
        };
        let Alive { record, ready_since, .. } = &*alive;
        self.context.routes.lock().remove(&alive.leader.pid);
        self.leftovers = Some(alive.tree());
        Arc::make_mut(&mut self.history).add(exit.clone());
        self.ended = Some((record.instance.clone(), exit));
        (self.link, self.work, self.token_life) = (None, None, None);
        let uptime = ready_since.map(|since| Instant::now().duration_since(since)).unwrap_or_default();
        Some((record.ready_at.is_some(), uptime))
    }
}
