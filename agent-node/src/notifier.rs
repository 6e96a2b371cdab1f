use std::sync::{Arc, Mutex, PoisonError};

use anet_protocol::notification::{Link, Notification};
use anet_protocol::rest::TokenLife;

/// Tells the supervisor what changed, at once, and with each heartbeat all of it again.
pub(crate) struct Notifier {
    notify: Arc<dyn Fn(&Notification) + Send + Sync>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    ready: bool,
    link: Option<Link>,
    /// The life of the token, where it ends.
    token_life: Option<TokenLife>,
    /// Why the link is not what it should be.
    reason: Option<String>,
}

impl Notifier {
    pub(crate) fn new(notify: Arc<dyn Fn(&Notification) + Send + Sync>) -> Self {
        Self { notify, told: Mutex::default() }
    }

    /// How long the token that the hub has just taken lives; it is told with everything that follows.
    pub(crate) fn token_lives(&self, token_life: Option<TokenLife>) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).token_life = token_life;
    }

    /// The event stream is open; the first time, the node is ready.
    pub(crate) fn connected(&self) {
        let (first, token_life) = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.link = Some(Link::Connected);
            told.reason = None;
            (!std::mem::replace(&mut told.ready, true), told.token_life)
        };
        (self.notify)(&Notification {
            ready: first,
            link: Some(Link::Connected),
            token_life,
            status: Some("connected to the hub".to_owned()),
            ..Notification::default()
        });
    }

    /// The link is not what it should be, because of `reason`.
    pub(crate) fn disconnected(&self, link: Link, reason: &str) {
        let known = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.link.replace(link) == Some(link) && told.reason.replace(reason.to_owned()).as_deref() == Some(reason)
        };
        if !known {
            (self.notify)(&Notification {
                link: Some(link),
                status: Some(reason.to_owned()),
                error: matches!(link, Link::Unauthorized | Link::Superseded).then(|| reason.to_owned()),
                ..Notification::default()
            });
        }
    }

    /// The node is alive, with so many tasks in hand, and claims no more while `paused`. Says all that was told before, because the supervisor
    /// that heard it may be gone.
    pub(crate) fn alive(&self, count: usize, paused: bool) {
        let work = Some(u32::try_from(count).unwrap_or(u32::MAX));
        let (ready, link, token_life) = {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            (told.ready, told.link, told.token_life)
        };
        let paused = Some(paused);
        (self.notify)(&Notification {
            ready,
            watchdog: true,
            link,
            work,
            paused,
            token_life,
            ..Notification::default()
        });
    }

    /// The node is on its way out, as it was asked.
    pub(crate) fn stopping(&self) {
        (self.notify)(&Notification { stopping: true, ..Notification::default() });
    }

    /// The node ends because of this.
    pub(crate) fn failed(&self, reason: &str) {
        (self.notify)(&Notification { error: Some(reason.to_owned()), ..Notification::default() });
    }
}
