use anet_protocol::rest::{
    ErrorBody, LoggedIn, LoginRequest, Me, NodeToken, NodeTokenRequest, RegisterRequest, Registered, Success,
};
use axum::extract::State;

use crate::accounts;
use crate::api::answer::{Answer, success};
use crate::api::extract::Origin;
use crate::api::{AuthenticatedCaller, JsonBody};
use crate::hub::Hub;

/// Makes an account. The first one is the admin's.
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", request_body = RegisterRequest,
    responses((status = 200, body = Success<Registered>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn register(
    State(hub): State<Hub>,
    Origin(address): Origin,
    JsonBody(request): JsonBody<RegisterRequest>,
) -> Answer<Registered> {
    Ok(success(accounts::register::register(&hub, address, request).await?))
}

/// Gives a token for a password.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", request_body = LoginRequest,
    responses((status = 200, body = Success<LoggedIn>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn login(
    State(hub): State<Hub>,
    Origin(address): Origin,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Answer<LoggedIn> {
    Ok(success(accounts::login::login(&hub, address, request).await?))
}

/// Tells whose token it is.
#[utoipa::path(get, path = "/api/auth/me", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = Success<Me>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn me(State(hub): State<Hub>, AuthenticatedCaller(caller): AuthenticatedCaller) -> Answer<Me> {
    Ok(success(accounts::me::me(&hub, &caller).await?))
}

/// Mints a node's token and makes the node known.
#[utoipa::path(post, path = "/api/auth/node-token", tag = "accounts", security(("token" = [])),
    request_body = NodeTokenRequest,
    responses((status = 200, body = Success<NodeToken>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn node_token(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<NodeTokenRequest>,
) -> Answer<NodeToken> {
    Ok(success(accounts::node_token::create(&hub, &caller, request).await?))
}
