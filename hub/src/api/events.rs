use std::convert::Infallible;

use anet_protocol::id::{InstanceId, NetworkId};
use anet_protocol::rest::ErrorBody;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::Deserialize;

use crate::api::{AuthenticatedCaller, PathPart, QueryPart};
use crate::error::{HubError, Refusal};
use crate::events::stream::{self, Listening};
use crate::hub::Hub;

/// The query of `GET /events/:name`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
pub(crate) struct ListenQuery {
    /// In this network; needed when the caller is in several.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    network_id: Option<NetworkId>,
    /// The run that listens, for a node's token.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    instance_id: Option<InstanceId>,
    /// The last event that was seen, for clients that cannot send the header.
    #[serde(default)]
    #[param(minimum = 0)]
    last_event_id: Option<i64>,
}

/// Streams events: `id:` and `data:` lines, JSON told apart by `type`, a comment every 30 s.
#[utoipa::path(get, path = "/events/{name}", tag = "events", security(("token" = [])),
    params(("name" = String, Path, description = "an alias, or the own user name"), ListenQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "replay what came after this event")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn listen(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(name): PathPart,
    QueryPart(query): QueryPart<ListenQuery>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let listening = Listening {
        name,
        network_id: query.network_id,
        instance_id: query.instance_id,
        last_event_id: last_event_id(&headers)?.or(query.last_event_id),
    };
    let frames = stream::open(&hub, &caller, listening).await?;
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache, no-transform")];
    Ok((headers, Body::from_stream(frames.map(Ok::<_, Infallible>))).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, HubError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    Ok(Some(id.ok_or_else(|| Refusal::invalid("Last-Event-ID", "the id of an event"))?))
}
