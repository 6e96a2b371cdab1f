use anet_protocol::rest::{ErrorBody, MessageList, MessageQuery, MessageSent, SendMessage, Success};
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
