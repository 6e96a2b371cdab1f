//! Where children report readiness and facts: the `sd_notify` protocol with a checked sender.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anet_protocol::notification::Notification;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::{mpsc, oneshot};

use crate::system::process_entry::ProcessEntry;

/// Larger datagrams are nobody's notification.
const LARGEST_DATAGRAM: usize = 8 * 1024;

/// A notification, and the process id of the leader it belongs to.
pub(crate) type Told = (u32, Box<Notification>);

/// Who is to be told what which process says, by the process id of its leader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    by_leader: Arc<Mutex<HashMap<u32, mpsc::Sender<Told>>>>,
}

impl Routes {
    /// Keeps notifications waiting. Held while a process is spawned, because it may report before
    /// its number is known here.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<u32, mpsc::Sender<Told>>> {
        self.by_leader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The leader that `sender` speaks for: itself, or the one of its session. Whoever else speaks
    /// must live until this is asked, since a dead process's session cannot be known.
    fn find(&self, sender: u32) -> Option<(u32, mpsc::Sender<Told>)> {
        let routes = self.lock();
        let leader = if routes.contains_key(&sender) { sender } else { ProcessEntry::read_stat(sender)?.session };
        Some((leader, routes.get(&leader)?.clone()))
    }
}

/// Binds the socket; what stood at the path is replaced, so the caller must hold the lock.
///
/// # Errors
/// When the path cannot be bound.
pub(crate) fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixDatagram> {
    crate::local_socket::remove_stale(path)?;
    let socket = std::os::unix::net::UnixDatagram::bind(path)?;
    crate::local_socket::restrict(path)?;
    setsockopt(&socket, PassCred, &true)?;
    Ok(socket)
}

/// The receiving end.
#[derive(Debug)]
pub(crate) struct NotifySocket {
    socket: UnixDatagram,
}

impl NotifySocket {
    /// Listens on a duplicate of a bound socket.
    ///
    /// # Errors
    /// When the kernel refuses one.
    pub(crate) fn on(socket: &std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        let socket = socket.try_clone()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: UnixDatagram::from_std(socket)? })
    }

    /// Passes notifications on for ever. A request on `flushes` is answered when everything that was
    /// sent before it has been passed on.
    pub(crate) async fn serve(self, routes: Routes, mut flushes: mpsc::Receiver<oneshot::Sender<()>>) {
        loop {
            tokio::select! {
                biased;
                received = self.socket.async_io(Interest::READABLE, || self.receive()) => match received {
                    Ok(Some((sender, notification))) => deliver(&routes, sender, notification),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "cannot read the notify socket"),
                },
                Some(flush) = flushes.recv() => {
                    // Read here and now: the event loop may not know of the latest datagrams yet.
                    while let Ok(received) = self.receive() {
                        if let Some((sender, notification)) = received {
                            deliver(&routes, sender, notification);
                        }
                    }
                    if flush.send(()).is_err() {
                        tracing::debug!("whoever asked for a flush stopped waiting");
                    }
                }
            }
        }
    }

    /// One datagram and the process that sent it, as the kernel vouches for; `None` for one that
    /// is to be ignored.
    fn receive(&self) -> io::Result<Option<(u32, Notification)>> {
        let mut buffer = [0_u8; LARGEST_DATAGRAM];
        // Room for the credentials alone: descriptors that a sender attaches are closed by the kernel.
        let mut control = nix::cmsg_space!(UnixCredentials);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
        let (length, is_cut) = (message.bytes, message.flags.contains(MsgFlags::MSG_TRUNC));
        let credentials = message.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|message| match message {
                ControlMessageOwned::ScmCredentials(credentials) => Some(credentials),
                _ => None,
            })
        });
        let Some(credentials) = credentials.filter(|_| !is_cut) else {
            tracing::warn!("a notification without credentials, or too long, was ignored");
            return Ok(None);
        };
        if !crate::local_socket::may_control(credentials.uid(), nix::unistd::geteuid().as_raw()) {
            tracing::warn!(uid = credentials.uid(), "a notification of another user was ignored");
            return Ok(None);
        }
        let Ok(sender) = u32::try_from(credentials.pid()) else { return Ok(None) };
        Ok(Some((sender, Notification::decode(&String::from_utf8_lossy(&buffer[..length])))))
    }
}

fn deliver(routes: &Routes, sender: u32, notification: Notification) {
    let Some((leader, told)) = routes.find(sender) else {
        tracing::warn!(process = sender, "a notification of a process that is not ours was ignored");
        return;
    };
    // Full only when a child floods: what it says is then lost, never what others say.
    if told.try_send((leader, Box::new(notification))).is_err() {
        tracing::warn!(process = sender, "a notification was dropped, the process sends too many");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stranger_cannot_speak_for_a_child_and_descriptors_are_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify.sock");
        let socket = NotifySocket::on(&bind(&path).unwrap()).unwrap();
        let routes = Routes::default();
        let (told, mut hears) = mpsc::channel(4);
        // The route of another process, which this one pretends to be.
        let other = u32::MAX;
        routes.lock().insert(other, told.clone());
        let (ask, flushes) = mpsc::channel(1);
        let server = tokio::spawn(socket.serve(routes.clone(), flushes));
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(format!("READY=1\nMAINPID={other}").as_bytes(), &path).await.unwrap();
        let settled = async || {
            let (reply, answer) = oneshot::channel();
            ask.send(reply).await.unwrap();
            answer.await.unwrap();
        };
        settled().await;
        assert!(hears.try_recv().is_err(), "a spoofed notification was taken");

        routes.lock().insert(std::process::id(), told);
        sender.send_to(b"READY=1", &path).await.unwrap();
        settled().await;
        assert!(hears.try_recv().unwrap().1.ready);

        sender.send_to(&[b'x'; LARGEST_DATAGRAM + 1], &path).await.unwrap();
        settled().await;
        assert!(hears.try_recv().is_err());
        server.abort();
    }
}
