//! SIGTERM and SIGINT as a request to stop.

use std::sync::Arc;

use anet_agent_node::ClaimRequest;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled at the first SIGTERM or SIGINT. A second one ends the process at once.
///
/// # Errors
/// When the kernel refuses the handlers.
pub(crate) fn stop_token() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A closed terminal is no reason to stop: whoever wants that sends SIGTERM.
    let mut hangup = signal(SignalKind::hangup())?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => continue,
            }
            if stop.is_cancelled() {
                #[expect(clippy::disallowed_methods, reason = "the person has asked twice; draining is what hangs")]
                std::process::exit(1);
            }
            stop.cancel();
        }
    });
    Ok(token)
}

/// Notifies at each SIGHUP, which asks a daemon to read its settings again.
///
/// # Errors
/// When the kernel refuses the handler.
pub(crate) fn notify_on_hangup(notify: Arc<Notify>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            notify.notify_one();
        }
    });
    Ok(())
}

/// SIGUSR1 as the wish that a node claims nothing more, SIGUSR2 as the end of that.
///
/// # Errors
/// When the kernel refuses the handlers.
pub(crate) fn claim_requests() -> std::io::Result<mpsc::UnboundedReceiver<ClaimRequest>> {
    let mut pause = signal(SignalKind::user_defined1())?;
    let mut resume = signal(SignalKind::user_defined2())?;
    let (ask, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let request = tokio::select! {
                _ = pause.recv() => ClaimRequest::Pause,
                _ = resume.recv() => ClaimRequest::Resume,
            };
            if ask.send(request).is_err() {
                // The node has ended.
                return;
            }
        }
    });
    Ok(asked)
}
