//! SIGTERM and SIGINT as a request to stop.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
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
