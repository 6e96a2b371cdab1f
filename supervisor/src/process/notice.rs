//! What a process tells about itself.

use anet_protocol::control::{Happening, Observed};
use anet_protocol::notification::{Link, Notification};

use super::{Lateness, Phase, Process};
use crate::launch::{HubProgram, Program};
use crate::system::boot_time::BootTime;

impl Process {
    pub(super) async fn on_notification(&mut self, leader: u32, notification: Notification) {
        let is_hub = matches!(self.program, Program::Hub(_));
        let now = self.context.clock.now();
        let Phase::Alive(alive) = &mut self.phase else { return };
        if alive.leader.pid != leader {
            // The last word of an earlier start.
            return;
        }
        let says_ready = notification.ready || (alive.is_adopted && implies_ready(&notification, is_hub));
        let is_news = says_ready && alive.record.ready_at.is_none();
        if is_news {
            alive.record.ready_at = Some(now);
            if let Program::Hub(HubProgram { settings: Some(settings), .. }) = &mut self.program {
                settings.had_database = settings.database.exists();
            }
            alive.ready_since = Some(BootTime::now());
        }
        alive.record.tells_link |= notification.link.is_some();
        if is_news || notification.watchdog {
            alive.sign_of_life = BootTime::now();
            alive.lateness = Lateness::InTime;
            self.proof_of_life = Some(now);
        }
        alive.paused = notification.paused.or(alive.paused);
        if notification.error.is_some() || notification.watchdog {
            // A sign of life without it says that it is over.
            (alive.error, alive.hint) = (notification.error, notification.hint);
        }
        let record = is_news.then(|| alive.record.clone());
        let is_other_link = notification.link.is_some_and(|link| is_other(self.link.as_ref(), link));
        if let Some(value) = notification.link {
            self.link = Some(Observed { value, at: now });
        }
        if let Some(value) = notification.work {
            self.work = Some(Observed { value, at: now });
        }
        if let Some(life) = notification.token_life {
            self.token_life = Some(life);
        }
        if let Some(record) = record
            && let Err(error) = self.save(Some(record)).await
        {
            // It is ready all the same; only a later supervisor would have to hear it again.
            tracing::error!(name = self.program.name(), %error, "readiness could not be saved");
        }
        self.publish();
        if let Some(link) = notification.link.filter(|_| is_other_link) {
            self.tell_of(Happening::Link { link });
        }
    }
}

/// Whether a link is news: another one than before, or at first one that does not stand.
fn is_other(before: Option<&Observed<Link>>, link: Link) -> bool {
    before.map_or(link != Link::Connected, |before| before.value != link)
}

impl Process {
    /// SIGHUP: a node reads its token again. It says what its link is only after it has learnt to hear this.
    pub(super) fn signal_reread(&self) {
        let Phase::Alive(alive) = &self.phase else { return };
        if self.link.is_none() || !matches!(self.program, Program::Node(_)) {
            return;
        }
        if let Err(error) = alive.leader.signal(rustix::process::Signal::HUP) {
            // It looks by itself as long as its token is refused.
            tracing::warn!(name = self.program.name(), %error, "the node could not be told to read its token again");
        }
    }
}

/// A process that was taken over may have said READY to nobody; its sign of life proves as much:
/// a node's when its link stands, the hub's in any case, since it sends none before it listens.
fn implies_ready(notification: &Notification, is_hub: bool) -> bool {
    notification.watchdog && (is_hub || notification.link == Some(Link::Connected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_proves_readiness_of_a_node_only_with_its_link() {
        let told = |watchdog, link| Notification { watchdog, link, ..Notification::default() };
        assert!(implies_ready(&told(true, Some(Link::Connected)), false));
        assert!(!implies_ready(&told(true, Some(Link::Unreachable)), false));
        assert!(!implies_ready(&told(false, Some(Link::Connected)), false));
        assert!(implies_ready(&told(true, None), true));
    }
}
