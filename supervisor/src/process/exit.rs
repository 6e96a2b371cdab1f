//! What happens when a process ends that nobody asked to.

use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{Desired, Exit, ExitCause};
use nix::libc;
use tokio::sync::oneshot;

use super::drain::Drain;
use super::transition::{Ended, Next, after_end};
use super::{Alive, Phase, Process};
use crate::system::boot_time::BootTime;
use crate::system::control_group::ControlGroup;

/// What a process wrote longer before a signal ended it has nothing to do with that: the signal came from elsewhere.
const LAST_WORDS_AGE: Duration = Duration::from_secs(10);

/// How long a process was up.
#[derive(Clone, Copy, Default)]
pub(super) struct Uptime {
    /// Absent when it was never ready.
    ready_for: Option<Duration>,
    /// Absent when it was not started by this supervisor.
    lived: Option<Duration>,
}

impl Process {
    pub(super) async fn on_exit(&mut self, cause: ExitCause) {
        let exit = self.take_exit(cause).await;
        let Some(uptime) = self.bury(exit.clone()) else { return };
        if let Err(error) = self.sweep_leftovers().await {
            tracing::error!(name = self.program.name(), %error, "leftovers survive");
        }
        self.follow(exit, uptime);
        self.save_end().await;
        self.publish();
        // It has nothing in hand any more.
        if let Some(Drain { asked, reply, .. }) = self.drain.take() {
            self.restart(asked, reply).await;
        }
    }

    /// Writes that nothing runs; leftovers stay on record until they are proven dead. Where the next start follows at
    /// once, its own record is the one that is waited for (R3): who is killed before finds the dead process on record.
    pub(super) async fn save_end(&self) {
        if self.starts_at_once() && self.leftovers.is_none() {
            let history = (*self.history).clone();
            self.context.store.note_lazily(|state| self.program.record(state, self.desired, None, history));
            return;
        }
        let saved = if self.leftovers.is_none() { self.save(None).await } else { self.save_desired().await };
        if let Err(error) = saved {
            tracing::error!(name = self.program.name(), %error, "the state could not be saved");
        }
    }

    fn starts_at_once(&self) -> bool {
        matches!(&self.phase, Phase::Backoff { wake, .. } if *wake <= BootTime::now())
    }

    /// Enters the phase that follows an end.
    pub(super) fn follow(&mut self, exit: Exit, Uptime { ready_for, lived }: Uptime) {
        let (policy, now) = (self.policy(), BootTime::now());
        let draw = u32::from_ne_bytes(self.context.entropy.bytes());
        let ended = Ended { cause: &exit.cause, ready_for, lived };
        match after_end(&mut self.failures, &policy, self.desired, ended, draw) {
            Next::Rest => {
                self.close_socket();
                self.phase = Phase::Stopped { since: exit.at, last_exit: Some(exit) };
            }
            Next::Finished => {
                self.close_socket();
                self.desired = Desired::Stopped;
                self.phase = Phase::Stopped { since: exit.at, last_exit: Some(exit) };
            }
            Next::Again(pause) => {
                let wake = self.context.storm.failed(self.number, now, now.plus(pause));
                let until = self.context.clock.now().plus(wake.since(now));
                self.phase = Phase::Backoff { wake, until, last_exit: exit };
            }
            Next::GiveUp => {
                self.close_socket();
                let (reason, mended) = (exit.sentence(), self.mended());
                self.phase = Phase::NeedsAttention { since: exit.at, reason, last_exit: exit, mended };
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
            self.on_notification(leader, *notification).await;
        }
        // Before anybody is told of the end (R62).
        let since = matches!(cause, ExitCause::Signal { .. }).then(|| at.minus(LAST_WORDS_AGE));
        let written = self.capture.settle(since).await;
        let (last_words, hint) = match &self.phase {
            Phase::Alive(alive) => (alive.error.clone().or(written), alive.hint.clone()),
            _ => (None, None),
        };
        let asked = self.asked.take();
        let started_at = match &self.phase {
            Phase::Alive(alive) => Some(alive.record.started_at),
            _ => None,
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

    /// Turns the dead process into leftovers to be swept; tells how long it was up. `None` when
    /// there is none.
    pub(super) fn bury(&mut self, exit: Exit) -> Option<Uptime> {
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
        (self.link, self.work, self.token_life, self.proof_of_life) = (None, None, None, None);
        let now = BootTime::now();
        Some(Uptime {
            ready_for: ready_since.map(|since| now.since(since)),
            lived: (!alive.is_adopted).then(|| now.since(alive.begun)),
        })
    }
}
