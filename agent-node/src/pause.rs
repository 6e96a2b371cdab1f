//! A pause in claiming: what is in hand is finished, and nothing new is taken, so that the node can be restarted
//! without giving a task back.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::node::Node;

/// What a supervisor asks of a node that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimRequest {
    /// Claim nothing more. It holds for [`Timing::pause`](crate::Timing::pause), from the last time it was asked for.
    Pause,
    /// Claim again.
    Resume,
}

/// Whether the node claims.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    asked: AtomicBool,
    reached: watch::Sender<bool>,
}

impl Pause {
    /// Whether nothing more is to be claimed.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Whether nothing more will be claimed and no claim is under way, as it changes: only then the number of tasks
    /// in hand can but fall.
    pub(crate) fn reached(&self) -> watch::Receiver<bool> {
        self.reached.subscribe()
    }
}

/// Pauses and resumes as asked, for ever.
pub(crate) async fn run(node: Arc<Node>, mut requests: mpsc::UnboundedReceiver<ClaimRequest>) -> Infallible {
    let mut until = None;
    loop {
        let request = tokio::select! {
            request = requests.recv() => request,
            () = lapse(until) => {
                tracing::warn!("nobody asks for the pause any more");
                Some(ClaimRequest::Resume)
            }
        };
        until = match request {
            Some(ClaimRequest::Pause) => {
                node.pause.asked.store(true, Ordering::SeqCst);
                // A claim that is under way ends first.
                drop(node.session.lock().await);
                Some(Instant::now() + node.settings.timing.pause)
            }
            Some(ClaimRequest::Resume) => {
                node.pause.asked.store(false, Ordering::SeqCst);
                node.inbox_wake.notify_one();
                None
            }
            // Nobody can ask any more, and a pause still lapses.
            None => {
                lapse(until).await;
                node.pause.asked.store(false, Ordering::SeqCst);
                None
            }
        };
        let is_news = node.pause.reached.send_if_modified(|known| std::mem::replace(known, until.is_some()) != *known);
        if is_news {
            tracing::info!(paused = until.is_some(), "claiming was paused or resumed");
        }
    }
}

async fn lapse(until: Option<Instant>) {
    match until {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
