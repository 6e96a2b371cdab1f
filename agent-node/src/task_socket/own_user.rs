use axum::serve::Listener;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};

/// Accepts connections of this very user alone; any other is closed before a byte of it is read.
pub(super) struct OwnUser(pub(super) UnixListener);

impl Listener for OwnUser {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.0).await;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == rustix::process::geteuid().as_raw() => return (stream, address),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "another user's connection to a task's socket is refused"),
                Err(error) => tracing::warn!(%error, "a connection of an unknown user is refused"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}
