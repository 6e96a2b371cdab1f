//! Speaking to the supervisor: the sending half of the notify protocol.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anet_protocol::notification::Notification;

/// Sends notifications to `NOTIFY_SOCKET`, or nowhere when there is no supervisor.
#[derive(Debug)]
pub(crate) struct Notifier {
    socket: Option<(UnixDatagram, PathBuf)>,
    /// What holds of all that was told.
    told: Mutex<Notification>,
}

impl Notifier {
    /// Speaks to the socket at `path`.
    ///
    /// # Errors
    /// When the kernel gives no datagram socket.
    pub(crate) fn new(path: Option<PathBuf>) -> std::io::Result<Self> {
        let socket = match path {
            Some(path) => {
                let socket = UnixDatagram::unbound()?;
                // A supervisor that does not read must not stop its children.
                socket.set_nonblocking(true)?;
                Some((socket, path))
            }
            None => None,
        };
        Ok(Self { socket, told: Mutex::default() })
    }

    /// Sends one notification. A supervisor that is away is not an error: the next one asks the process itself.
    pub(crate) fn send(&self, notification: &Notification) {
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.ready |= notification.ready;
            told.link = notification.link.or(told.link);
            told.work = notification.work.or(told.work);
            told.token_life = notification.token_life.or(told.token_life);
        }
        self.pass_on(notification);
    }

    /// Says again what holds, to a supervisor that has not heard it.
    pub(crate) fn repeat(&self) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if told.link.is_some() {
            self.pass_on(&told);
        }
    }

    fn pass_on(&self, notification: &Notification) {
        let Some((socket, path)) = &self.socket else { return };
        if let Err(error) = socket.send_to(notification.encode().as_bytes(), path) {
            tracing::debug!(%error, path = %path.display(), "the supervisor did not take a notification");
        }
    }
}
