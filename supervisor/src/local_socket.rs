//! The Unix sockets of one user: how they are made, who may use them, and how many peers are served at a time.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause after a failed accept, which otherwise fails again at once when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds a socket for its owner alone; what stood at the path is replaced, so the caller must hold the lock.
///
/// # Errors
/// When the path cannot be bound; Unix limits it to 107 bytes.
pub(crate) fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    remove_stale(path)?;
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    restrict(path)?;
    Ok(listener)
}

/// Listens on a duplicate of a bound socket.
///
/// # Errors
/// When the kernel refuses one.
pub(crate) fn listen(socket: &std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
    let socket = socket.try_clone()?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket)
}

/// Removes the socket that a dead supervisor left.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Closes a socket file to others. Its directory is closed to them already.
pub(crate) fn restrict(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Whether a peer may use the sockets of this user: the user itself, or root.
pub(crate) fn may_control(peer: u32, me: u32) -> bool {
    peer == me || peer == 0
}

/// Converses with `most` peers at a time, further ones wait in the kernel's queue, until `leave` is cancelled; returns
/// when the last conversation has ended.
pub(crate) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: UnixListener,
    most: usize,
    leave: CancellationToken,
    converse: impl Fn(UnixStream) -> F,
) {
    let places = Arc::new(Semaphore::new(most));
    let conversations = TaskTracker::new();
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let Some(Some((place, accepted))) = leave.run_until_cancelled(accept).await else { break };
        match accepted {
            Ok((stream, _)) => {
                let conversation = converse(stream);
                conversations.spawn(async move {
                    conversation.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    conversations.close();
    conversations.wait().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_and_root_may_control() {
        assert!(may_control(1000, 1000) && may_control(0, 1000) && may_control(0, 0));
        assert!(!may_control(1001, 1000) && !may_control(1000, 0));
    }
}
