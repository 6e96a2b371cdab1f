//! The control socket: HTTP/1.1 over a Unix socket that only its owner can open, with bounds on what
//! one client can cost (R55, R56).

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::ControlErrorCode;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::refusal::Refusal;
use crate::requester::requester;

/// R56.
const MOST_CONNECTIONS: usize = 256;
/// R56; also the longest that a connection may stay open without a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a failed accept, which otherwise fails again at once when descriptors run out.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the socket; what stood at the path is replaced, so the caller must hold the lock.
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

/// Answers clients until `leave` is cancelled. Answers in progress may take `patience` then.
pub(crate) async fn serve(
    listener: UnixListener,
    router: Router,
    leave: CancellationToken,
    patience: impl Fn() -> Duration + Clone + Send + 'static,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        // Further clients wait in the kernel's queue.
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let Some(Some((place, accepted))) = leave.run_until_cancelled(accept).await else { break };
        match accepted {
            Ok((stream, _)) => {
                let (router, leave, patience) = (router.clone(), leave.clone(), patience.clone());
                connections.spawn(async move {
                    converse(stream, router, leave, patience).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a control connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn converse(stream: UnixStream, router: Router, leave: CancellationToken, patience: impl Fn() -> Duration) {
    let me = nix::unistd::geteuid().as_raw();
    let router = match stream.peer_cred() {
        Ok(peer) if may_control(peer.uid(), me) => router.layer(Extension(requester(peer.uid(), peer.pid()))),
        Ok(peer) => forbidden(peer.uid(), me),
        Err(error) => {
            tracing::warn!(%error, "a control connection of unknown origin was closed");
            return;
        }
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = leave.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(patience(), connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a control connection broke");
    }
}

/// Answers every request of another user with who may ask.
fn forbidden(peer: u32, me: u32) -> Router {
    tracing::warn!(peer, "a control connection of another user was refused");
    let error = format!("this supervisor belongs to uid {me}; uid {peer} may not control it");
    let refusal = Refusal::new(ControlErrorCode::Forbidden, error);
    Router::new().fallback(move || std::future::ready(refusal.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_and_root_may_control() {
        assert!(may_control(1000, 1000) && may_control(0, 1000) && may_control(0, 0));
        assert!(!may_control(1001, 1000) && !may_control(1000, 0));
    }

    #[tokio::test]
    async fn another_user_is_told_whom_the_supervisor_belongs_to() {
        use http_body_util::BodyExt as _;
        use tower::ServiceExt as _;

        let request = axum::http::Request::get("/v1/status").body(axum::body::Body::empty()).unwrap();
        let response = forbidden(1001, 1000).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 403);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let error: anet_protocol::control::ControlError = serde_json::from_slice(&body).unwrap();
        assert!(error.error.contains("belongs to uid 1000"), "{}", error.error);
    }
}
