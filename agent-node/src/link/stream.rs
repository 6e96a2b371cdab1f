use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::event::Event;
use anet_protocol::exit_code::ExitCode;
use anet_protocol::notification::Link;
use anet_protocol::rest::Attempt;
use axum::body::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use reqwest::Response;
use secrecy::SecretString;
use sse_stream::{Sse, SseStream};
use tokio::sync::watch;

use super::{LinkError, Position};
use crate::attempts::StopReason;
use crate::node::Node;

/// Why an event stream ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// Not even a keepalive came: the connection is dead although nobody closed it.
    #[error("the event stream was silent for {0:?}")]
    Silent(Duration),
    /// The connection broke.
    #[error("the event stream broke")]
    Broken(#[source] reqwest::Error),
    /// The hub closed it.
    #[error("the hub closed the event stream")]
    Closed,
    /// What came are no events.
    #[error("the event stream is not readable: {0}")]
    Unreadable(sse_stream::Error),
}

/// Reads events until the stream ends (the error) or the node has to end (the code).
///
/// It does nothing that can wait: it only wakes others, so a keepalive is never left unread.
pub(super) async fn read(
    node: &Arc<Node>,
    response: Response,
    position: &mut Position,
    token: &mut watch::Receiver<SecretString>,
) -> Result<ExitCode, LinkError> {
    let mut frames =
        pin!(SseStream::from_bytes_stream(Box::pin(watched(response, node.settings.timing.read_watchdog))));
    // A 401 of before says nothing about the token that has just been accepted.
    node.hub.unauthorized.notified().now_or_never();
    loop {
        let frame = tokio::select! {
            frame = frames.next() => frame,
            () = node.hub.unauthorized.notified() => return Err(LinkError::TokenRefusedElsewhere),
            Ok(()) = token.changed() => return Err(LinkError::TokenReplaced),
        };
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(sse_stream::Error::Body(error))) => {
                return Err(match error.downcast::<StreamError>() {
                    Ok(error) => LinkError::Stream(*error),
                    Err(_) => LinkError::Stream(StreamError::Closed),
                });
            }
            Some(Err(error)) => return Err(StreamError::Unreadable(error).into()),
            None => return Err(StreamError::Closed.into()),
        };
        if let Some(code) = take(node, &frame, position) {
            return Ok(code);
        }
    }
}

/// The bytes of the answer; a silence longer than `longest_silence` is an error.
fn watched(response: Response, longest_silence: Duration) -> impl Stream<Item = Result<Bytes, StreamError>> {
    stream::unfold(Some(response), move |response| async move {
        let mut response = response?;
        match tokio::time::timeout(longest_silence, response.chunk()).await {
            Ok(Ok(Some(bytes))) => Some((Ok(bytes), Some(response))),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some((Err(StreamError::Broken(error.without_url())), None)),
            Err(_) => Some((Err(StreamError::Silent(longest_silence)), None)),
        }
    })
}

fn take(node: &Arc<Node>, frame: &Sse, position: &mut Position) -> Option<ExitCode> {
    if let Some(id) = &frame.id {
        position.last_event_id = Some(id.clone());
    }
    let data = frame.data.as_deref()?;
    let event: Event = match serde_json::from_str(data) {
        Ok(event) => event,
        Err(error) => {
            // A newer hub may have events that are not known here; any of them may mean work.
            tracing::debug!(%error, "an unknown event");
            node.inbox_wake.notify_one();
            return None;
        }
    };
    match event {
        Event::Connected { .. } => {
            tracing::info!("connected");
            position.backoff.reset();
            position.refusals = 0;
            position.held_since = None;
            node.connected.send_replace(true);
            node.notifier.connected();
            node.outbox_wake.notify_one();
        }
        Event::TaskCancelled { task_id, attempt } => {
            tracing::info!(task = %task_id, attempt, "called off");
            node.attempts.stop(&Attempt { task_id, attempt }, StopReason::Cancelled);
        }
        // One of our own, when an older stream of this very run was closed for a newer one.
        Event::NodeConnectionSuperseded { instance_id } if instance_id != node.settings.instance_id => {
            let reason = format!("instance {instance_id} has taken this node over");
            tracing::error!(reason);
            node.notifier.disconnected(Link::Superseded, &reason);
            return Some(ExitCode::Evicted);
        }
        _ => {}
    }
    node.inbox_wake.notify_one();
    None
}
