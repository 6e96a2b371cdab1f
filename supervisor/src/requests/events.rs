//! The stream of state changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{EventGap, EventQuery, SupervisorEvent};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::input::Options;
use crate::events::Past;
use crate::refusal::Refusal;
use crate::registry::Registry;

/// Comments keep proxies and clients from taking silence for death.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn events(
    State(registry): State<Arc<Registry>>,
    headers: HeaderMap,
    Options(query): Options<EventQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Refusal> {
    let (mut events, log) = registry.context.events.subscribe();
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let (since, lines) = (resumed.or(query.since), query.lines);
    let read = move || match (since, lines) {
        (Some(cursor), _) => log.after(&cursor),
        (None, Some(lines)) => log.last(lines),
        (None, None) => Ok(Past::default()),
    };
    let past = tokio::task::spawn_blocking(read).await.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
    let leave = registry.leave.clone();
    let stream = async_stream::stream! {
        if past.has_gap
            && let Some(gap) = encode(Event::default().event("gap"), &EventGap { gap: true })
        {
            yield Ok(gap);
        }
        let mut last = None;
        for event in past.events {
            if let Some(encoded) = of(&event) {
                yield Ok(encoded);
            }
            last = Some(event.cursor);
        }
        // Those that happened while the log was read are in both.
        let mut in_both = last;
        while query.follow
            && let Some(received) = leave.run_until_cancelled(events.recv()).await
        {
            match received {
                Ok(event) => {
                    if is_in_log(&event, &mut in_both) {
                        continue;
                    }
                    if let Some(encoded) = of(&event) {
                        yield Ok(encoded);
                    }
                }
                // A client that fell behind must come again with its cursor rather than trust a stream with a gap.
                Err(RecvError::Lagged(_) | RecvError::Closed) => break,
            }
        }
    };
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Whether an event was told from the log already; the first that was not ends the question.
fn is_in_log(event: &SupervisorEvent, last_in_log: &mut Option<String>) -> bool {
    let number = |cursor: &str| {
        let (epoch, id) = cursor.split_once('-')?;
        Some((epoch.parse::<i64>().ok()?, id.parse::<u64>().ok()?))
    };
    let is_told = last_in_log.as_deref().and_then(number).is_some_and(|last| number(&event.cursor) <= Some(last));
    if !is_told {
        *last_in_log = None;
    }
    is_told
}

fn of(event: &SupervisorEvent) -> Option<Event> {
    encode(Event::default().id(&event.cursor), event)
}

fn encode(event: Event, data: &impl Serialize) -> Option<Event> {
    event.json_data(data).inspect_err(|error| tracing::error!(%error, "an event cannot be written")).ok()
}
