use anet_protocol::rest::{
    Broadcast, BroadcastSent, ErrorBody, InNetwork, MessageList, MessageQuery, MessageSent, SendMessage, Success,
};
use axum::extract::State;

use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, JsonBody, QueryPart};
use crate::hub::Hub;
use crate::messages;

/// Stores plain words for an alias.
#[utoipa::path(post, path = "/api/message", tag = "messages", security(("token" = [])), request_body = SendMessage,
    responses((status = 200, body = Success<MessageSent>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn send(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<SendMessage>,
) -> Answer<MessageSent> {
    Ok(success(messages::send::send(&hub, &caller, request).await?))
}

/// Stores plain words for every agent of a network.
#[utoipa::path(post, path = "/api/broadcast", tag = "messages", security(("token" = [])), params(InNetwork),
    request_body = Broadcast,
    responses((status = 200, body = Success<BroadcastSent>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn broadcast(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(InNetwork { network_id }): QueryPart<InNetwork>,
    JsonBody(request): JsonBody<Broadcast>,
) -> Answer<BroadcastSent> {
    Ok(success(messages::broadcast::broadcast(&hub, &caller, network_id.as_ref(), request).await?))
}

/// Lists messages, newest first.
#[utoipa::path(get, path = "/api/messages", tag = "messages", security(("token" = [])), params(MessageQuery),
    responses((status = 200, body = Success<MessageList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<MessageQuery>,
) -> Answer<MessageList> {
    Ok(success(messages::list::list(&hub, &caller, query).await?))
}
