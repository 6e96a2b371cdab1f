//! Watching a living process: is it ready in time, does it still give signs of life (R34, R35)?

use std::time::Duration;

use anet_protocol::control::{StopReason, StopRequest};
use rustix::process::Signal;

use super::{Lateness, Phase, Process};
use crate::launch::Program;
use crate::system::boot_time::BootTime;

/// R35: a process is not restarted for its silence again within this time.
const BETWEEN_REVIVALS: Duration = Duration::from_secs(300);
/// R35: three signs of life that the hub should have given every 10 s.
const HUB_SILENCE: Duration = Duration::from_secs(30);

impl Process {
    /// When the living process will be late, and with what.
    pub(super) fn next_lateness(&self) -> Option<(BootTime, Lateness)> {
        let Phase::Alive(alive) = &self.phase else { return None };
        if alive.stopping_since.is_some() {
            return None;
        }
        let policy = self.policy();
        if alive.record.ready_at.is_none() {
            let slow = alive.begun.plus(policy.ready_timeout);
            return (alive.lateness == Lateness::InTime).then_some((slow, Lateness::Slow));
        }
        let default = matches!(self.program, Program::Hub(_)).then_some(HUB_SILENCE);
        let silent = alive.sign_of_life.plus(policy.liveness_timeout.or(default)?);
        if alive.lateness == Lateness::Hung {
            // It is known already; what remains is the moment from which it may be restarted.
            return Some((self.revived?.plus(BETWEEN_REVIVALS), Lateness::Hung));
        }
        Some((silent, Lateness::Hung))
    }

    /// Shows that it is late; one that gives no sign of life is replaced, but not too often.
    pub(super) async fn is_late(&mut self, lateness: Lateness) {
        let Phase::Alive(alive) = &mut self.phase else { return };
        alive.lateness = lateness;
        self.publish();
        let may_revive = self.revived.is_none_or(|before| BootTime::now().since(before) >= BETWEEN_REVIVALS);
        if lateness != Lateness::Hung || !may_revive {
            return;
        }
        tracing::warn!(name = self.program.name(), "it gives no sign of life, replacing it");
        self.revived = Some(BootTime::now());
        let policy = self.policy();
        let signal = if policy.core { Signal::ABORT } else { policy.stop_signal.signal() };
        let asked = StopRequest { reason: StopReason::Liveness, by: None };
        if let Some(cause) = self.terminate(asked, signal).await {
            self.on_exit(cause).await;
        }
    }
}
