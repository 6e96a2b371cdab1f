//! A restart that costs no work: the process takes no new task, finishes those in hand, and is then replaced.
//!
//! The pause is asked for by SIGUSR1 and ended by SIGUSR2, and only of a process that has told whether it is paused:
//! any other would die of the signal. It is asked for again at each sign of life, because a process resumes by itself
//! when nobody does: whoever asked may be dead. What an earlier supervisor began and did not end is ended here.

use std::time::Duration;

use anet_protocol::control::{ControlErrorCode, StopRequest};
use rustix::process::Signal;

use super::{Phase, Process, StartReply};
use crate::refusal::Refusal;
use crate::system::boot_time::{BootTime, sleep_until};

/// How long a process has at least, so that one without tasks can say that it takes none.
const SHORTEST: Duration = Duration::from_secs(2);

/// A restart that waits until nothing is in hand.
pub(super) struct Drain {
    /// When it is given up.
    until: Option<BootTime>,
    /// How long that is.
    patience: Option<Duration>,
    pub(super) asked: StopRequest,
    pub(super) reply: StartReply,
}

/// Why a drain ended without a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DrainEnd {
    /// It took too long.
    TimedOut,
    /// Nobody waits for the answer any more.
    Abandoned,
}

impl Drain {
    /// Waits for the end of anybody's interest in it.
    pub(super) async fn over(drain: Option<&mut Self>) -> DrainEnd {
        let Some(Self { until, reply, .. }) = drain else { return std::future::pending().await };
        let time_is_up = async {
            match until {
                Some(moment) => sleep_until(*moment).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = time_is_up => DrainEnd::TimedOut,
            () = reply.closed() => DrainEnd::Abandoned,
        }
    }
}

impl Process {
    /// Restarts it as soon as it has nothing in hand, and has it take nothing new until then.
    pub(super) async fn drain(&mut self, patience: Option<Duration>, asked: StopRequest, reply: StartReply) {
        if !matches!(self.phase, Phase::Alive(_)) {
            return self.restart(asked, reply).await;
        }
        if self.drain.is_some() && asked.by.is_none() {
            let error = format!("{} is being drained for another restart", self.program.name());
            drop(reply.send(Err(Refusal::new(ControlErrorCode::StillBusy, error))));
            return;
        }
        if let Err(refusal) = self.check_files() {
            drop(reply.send(Err(refusal)));
            return;
        }
        self.overtake_drain();
        let patience = patience.map(|patience| patience.max(SHORTEST));
        let until = patience.map(|patience| BootTime::now().plus(patience));
        self.drain = Some(Drain { until, patience, asked, reply });
        self.publish();
        self.go_on_draining().await;
    }

    /// Restarts it if it may be; has a process that is paused for nobody resume.
    pub(super) async fn go_on_draining(&mut self) {
        let Phase::Alive(alive) = &self.phase else { return };
        let Some(drain) = &self.drain else {
            if alive.paused == Some(true) {
                self.signal_claiming(Signal::USR2);
            }
            return;
        };
        let is_idle = self.work.as_ref().is_none_or(|work| work.value == 0);
        // While it may still claim, having nothing in hand means nothing.
        if is_idle && alive.paused != Some(false) {
            self.by.clone_from(&drain.asked.by);
            if let Some(Drain { asked, reply, .. }) = self.drain.take() {
                self.restart(asked, reply).await;
            }
            self.by = None;
        } else {
            self.signal_claiming(Signal::USR1);
        }
    }

    /// It goes on as it was.
    pub(super) fn give_up_draining(&mut self, end: DrainEnd) {
        let Some(drain) = self.drain.take() else { return };
        let name = self.program.name();
        tracing::info!(name, reason = ?end, "it is not drained any more, and takes tasks again");
        self.signal_claiming(Signal::USR2);
        self.publish();
        let tasks = match self.work.as_ref().map_or(0, |work| work.value) {
            1 => "1 task".to_owned(),
            count => format!("{count} tasks"),
        };
        let seconds = drain.patience.unwrap_or_default().as_secs();
        let error = format!("{name} still works on {tasks} after {seconds} s; it goes on, and takes tasks again");
        // Whoever asked may be gone.
        drop(drain.reply.send(Err(Refusal::new(ControlErrorCode::StillBusy, error))));
    }

    /// Something else brings it down first.
    pub(super) fn overtake_drain(&mut self) {
        let Some(drain) = self.drain.take() else { return };
        let error = format!("{} was stopped or restarted by another request meanwhile", self.program.name());
        drop(drain.reply.send(Err(Refusal::new(ControlErrorCode::StartFailed, error))));
    }

    fn signal_claiming(&self, signal: Signal) {
        let Phase::Alive(alive) = &self.phase else { return };
        if alive.paused.is_none() || alive.stopping_since.is_some() {
            return;
        }
        if let Err(error) = alive.leader.signal(signal) {
            // Tried again at its next sign of life.
            tracing::warn!(name = self.program.name(), %error, "it could not be told to pause or resume");
        }
    }
}
