//! The stream of state changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;

use crate::registry::Registry;

/// Comments keep proxies and clients from taking silence for death.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn events(
    State(registry): State<Arc<Registry>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let mut events = registry.context.events.subscribe();
    let leave = registry.leave.clone();
    let stream = async_stream::stream! {
        while let Some(received) = leave.run_until_cancelled(events.recv()).await {
            match received {
                Ok(event) => match Event::default().id(event.id.to_string()).json_data(&event) {
                    Ok(event) => yield Ok(event),
                    Err(error) => tracing::error!(%error, "an event cannot be written"),
                },
                // A client that fell behind must look anew rather than trust a stream with a gap.
                Err(RecvError::Lagged(_) | RecvError::Closed) => break,
            }
        }
    };
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
