use anet_protocol::id::TokenId;
use anet_protocol::rest::{CreateToken, Done, ErrorBody, Success, TokenCreated, TokenList, TokensRevoked};
use axum::extract::State;

use crate::api::answer::{Answer, done, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart};
use crate::hub::Hub;
use crate::tokens;

/// Lists the own tokens, without the secrets.
#[utoipa::path(get, path = "/api/auth/tokens", tag = "tokens", security(("token" = [])),
    responses((status = 200, body = Success<TokenList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<TokenList> {
    Ok(success(tokens::list::list(&hub, &caller).await?))
}

/// Makes an API key.
#[utoipa::path(post, path = "/api/auth/tokens", tag = "tokens", security(("token" = [])), request_body = CreateToken,
    responses((status = 200, body = Success<TokenCreated>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn create(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<CreateToken>,
) -> Answer<TokenCreated> {
    Ok(success(tokens::create::create(&hub, &caller, request).await?))
}

/// Revokes one of the own tokens.
#[utoipa::path(delete, path = "/api/auth/tokens/{token_id}", tag = "tokens", security(("token" = [])), params(("token_id" = String, Path)),
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(token_id): PathPart,
) -> Answer<Done> {
    tokens::revoke::one(&hub, &caller, &TokenId::from(token_id)).await?;
    Ok(done())
}

/// Revokes every own API key and every other login.
#[utoipa::path(delete, path = "/api/auth/tokens", tag = "tokens", security(("token" = [])),
    responses((status = 200, body = Success<TokensRevoked>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke_all(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<TokensRevoked> {
    Ok(success(tokens::revoke::all(&hub, &caller).await?))
}
