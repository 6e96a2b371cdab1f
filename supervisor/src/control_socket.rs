//! The control socket: HTTP/1.1 over a Unix socket that only its owner can open, with bounds on what
//! one client can cost (R55, R56).

use std::time::Duration;

use anet_protocol::control::{ControlErrorCode, Requester};
use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::local_socket::{accept, may_control};
use crate::refusal::Refusal;
use crate::requester::requester;

/// R56.
const MOST_CONNECTIONS: usize = 256;
/// R56; also the longest that a connection may stay open without a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What whoever connects may ask.
#[derive(Clone)]
pub(crate) struct Doors {
    /// The user whose supervisor it is, and root.
    pub(crate) owner: Router,
    /// Everybody else whom the kernel lets connect; they are refused where it is absent.
    pub(crate) others: Option<Router>,
}

/// Answers clients until `leave` is cancelled. Answers in progress may take `patience` then.
pub(crate) async fn serve(
    listener: UnixListener,
    doors: Doors,
    leave: CancellationToken,
    patience: impl Fn() -> Duration + Clone + Send + 'static,
) {
    let converse = |stream| converse(stream, doors.clone(), leave.clone(), patience.clone());
    accept(listener, MOST_CONNECTIONS, leave.clone(), converse).await;
}

async fn converse(stream: UnixStream, doors: Doors, leave: CancellationToken, patience: impl Fn() -> Duration) {
    let me = nix::unistd::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) => {
            let door = if may_control(peer.uid(), me) { Some(doors.owner) } else { doors.others };
            let door = door.unwrap_or_else(|| forbidden(peer.uid(), me));
            answer(stream, door, requester(peer.uid(), peer.pid()), leave, patience).await;
        }
        Err(error) => tracing::warn!(%error, "a control connection of unknown origin was closed"),
    }
}

/// Answers what one client asks, until either has enough.
pub(crate) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    door: Router,
    requester: Requester,
    leave: CancellationToken,
    patience: impl Fn() -> Duration,
) {
    // `Router::layer` would build every route anew for each connection.
    let service = door.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(requester.clone());
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
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
    let error =
        format!("permission denied (EACCES): this supervisor belongs to uid {me}; uid {peer} may not control it");
    let refusal = Refusal::new(ControlErrorCode::Forbidden, error);
    Router::new().fallback(move || std::future::ready(refusal.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_user_is_told_whom_the_supervisor_belongs_to() {
        use http_body_util::BodyExt as _;

        let request = axum::http::Request::get("/v1/status").body(axum::body::Body::empty()).unwrap();
        let response = forbidden(1001, 1000).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 403);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let error: anet_protocol::control::ControlError = serde_json::from_slice(&body).unwrap();
        assert!(error.error.contains("EACCES") && error.error.contains("belongs to uid 1000"), "{}", error.error);
    }
}
