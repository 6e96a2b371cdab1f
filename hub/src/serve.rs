//! The accept loop. HTTP/1 only, with the time-outs that `axum::serve` does not set.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::{Clock, Entropy};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::api::PeerAddress;
use crate::error::HubError;
use crate::events::recheck::Recheck;
use crate::hub::Hub;
use crate::router::router;
use crate::settings::Settings;
use crate::work::sweep::{prune, sweep, tidy};

/// How often leases and times to live are looked at.
const SWEEP: Duration = Duration::from_secs(1);

/// How often presence is written down.
const SAVE: Duration = Duration::from_secs(2);

/// How often it is asked whether open streams may stay open.
const RECHECK: Duration = Duration::from_millis(250);

/// How often old events are forgotten.
const PRUNE: Duration = Duration::from_secs(600);

/// How long nothing is accepted after the system has refused a connection, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A peer that acknowledges nothing for this long is gone: two keepalives of a stream.
const UNACKNOWLEDGED_MILLIS: u32 = 60_000;

/// The most a request's head may take.
const HEAD_BYTES: usize = 64 * 1024;

/// Runs a hub on `listener` until `stop`; calls `ready` once it accepts connections. Open streams and requests are
/// ended within [`Settings::drain_timeout`], what is queued is written, and the database is closed.
///
/// # Errors
/// When the hub cannot open its database, or the writer of the database dies.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), HubError> {
    let address = listener.local_addr().map_err(HubError::Listen)?;
    let settings = Settings { is_loopback: address.ip().is_loopback(), ..settings };
    let hub = Hub::open(settings, clock, entropy).await?;
    let chores = stop.child_token();
    let chore = tokio::spawn(keep_house(hub.clone(), chores.clone()));
    ready(address);
    let mut connections = JoinSet::new();
    let outcome = tokio::select! {
        () = accept(&hub, &listener, &mut connections) => Ok(()),
        () = stop.cancelled() => Ok(()),
        () = hub.writer_ended() => Err(HubError::WriterGone),
    };
    drop(listener);
    drain(&hub, connections).await;
    chores.cancel();
    if let Err(error) = chore.await {
        tracing::error!(%error, "the hub's chores ended badly");
    }
    hub.close().await;
    outcome
}

async fn accept(hub: &Hub, listener: &TcpListener, connections: &mut JoinSet<()>) {
    let router = router(hub.clone());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                connections.spawn(serve_connection(hub.clone(), router.clone(), stream, peer));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_connection(hub: Hub, router: Router, stream: TcpStream, peer: SocketAddr) {
    // Without it small answers wait for the peer's delayed acknowledgement: 40 ms each (hub-limits §0.3).
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    if let Err(error) = setsockopt(&stream, sockopt::TcpUserTimeout, &UNACKNOWLEDGED_MILLIS) {
        tracing::debug!(%error, "TCP_USER_TIMEOUT was not set");
    }
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(PeerAddress(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(hub.settings().header_timeout)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = hub.stopping().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

/// Ends streams and waits at once, lets other requests finish, and cuts off what takes too long.
async fn drain(hub: &Hub, mut connections: JoinSet<()>) {
    hub.stopping().cancel();
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(hub.settings().drain_timeout, all).await.is_err() {
        tracing::warn!(open = connections.len(), "requests were cut off");
        connections.shutdown().await;
    }
}

/// What is to be done because time passes.
async fn keep_house(hub: Hub, stop: CancellationToken) {
    let every = |period| {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let (mut sweeps, mut saves, mut prunes, mut rechecks) = (every(SWEEP), every(SAVE), every(PRUNE), every(RECHECK));
    let mut recheck = Recheck::default();
    loop {
        let (chore, done) = tokio::select! {
            () = stop.cancelled() => return,
            _ = sweeps.tick() => ("sweep", sweep(&hub).await),
            _ = rechecks.tick() => ("recheck streams", recheck.run(&hub).await),
            _ = saves.tick() => ("save presence", hub.save_presence().await.and(hub.save_uses().await)),
            _ = prunes.tick() => ("prune events", prune(&hub).await.and(tidy(&hub).await)),
        };
        if let Err(error) = done {
            // Tried again at the next tick.
            tracing::warn!(%error, chore, "a chore was not done");
        }
    }
}
