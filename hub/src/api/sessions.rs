use anet_protocol::id::TokenId;
use anet_protocol::rest::{
    BrowserSession, Done, ErrorBody, ErrorCode, LoginRequest, SessionEnded, SessionList, SessionsEnded, Success, Ticket,
};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret as _;

use crate::accounts;
use crate::api::answer::{Answer, done, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart, cookies};
use crate::client::Client;
use crate::error::HubError;
use crate::hub::Hub;
use crate::sessions;
use crate::sessions::browser::Granted;

/// Lists the own logins.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = Success<SessionList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<SessionList> {
    Ok(success(sessions::list::list(&hub, &caller).await?))
}

/// Ends one of the own logins.
#[utoipa::path(delete, path = "/api/auth/sessions/{token_id}", tag = "sessions", security(("token" = [])), params(("token_id" = String, Path)),
    responses((status = 200, body = Success<SessionEnded>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(token_id): PathPart,
) -> Answer<SessionEnded> {
    Ok(success(sessions::revoke::one(&hub, &caller, &TokenId::from(token_id)).await?))
}

/// Ends every other login.
#[utoipa::path(post, path = "/api/auth/sessions/revoke-others", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = Success<SessionsEnded>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke_others(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<SessionsEnded> {
    Ok(success(sessions::revoke::many(&hub, &caller, true).await?))
}

/// Gives a ticket with which a browser opens one event stream.
#[utoipa::path(post, path = "/api/auth/ticket", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = Success<Ticket>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn ticket(State(hub): State<Hub>, AuthenticatedCaller(caller): AuthenticatedCaller) -> Answer<Ticket> {
    Ok(success(sessions::ticket::issue(&hub, &caller).await?))
}

/// Ends every login, the one that asks included.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = Success<SessionsEnded>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke_all(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    client: Client,
) -> Result<Response, HubError> {
    let ended = sessions::revoke::many(&hub, &caller, false).await?;
    Ok(with_cookies(success(ended), cookies::clear(client.is_secure)))
}

/// Ends the login that is presented, and takes the cookies away.
#[utoipa::path(post, path = "/api/auth/logout", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn logout(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    client: Client,
) -> Result<Response, HubError> {
    accounts::logout::logout(&hub, &caller).await?;
    Ok(with_cookies(done(), cookies::clear(client.is_secure)))
}

/// Logs a browser in: the secrets come as cookies that no script can read.
#[utoipa::path(post, path = "/api/auth/session", tag = "sessions", request_body = LoginRequest,
    responses((status = 200, body = Success<BrowserSession>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn start(
    State(hub): State<Hub>,
    client: Client,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<Response, HubError> {
    let granted = sessions::browser::start(&hub, &client, request).await?;
    Ok(answer(&hub, &client, granted))
}

/// Renews a browser session by its refresh cookie; a used one ends the session.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "sessions",
    responses((status = 200, body = Success<BrowserSession>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn refresh(State(hub): State<Hub>, client: Client, headers: HeaderMap) -> Result<Response, HubError> {
    cookies::check_fetch(&headers)?;
    let secret = cookies::refresh(&headers, client.is_secure);
    match sessions::refresh::refresh(&hub, &client, secret).await {
        Ok(granted) => Ok(answer(&hub, &client, granted)),
        Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::SessionExpired => {
            Ok(with_cookies(HubError::Refused(refusal), cookies::clear(client.is_secure)))
        }
        Err(error) => Err(error),
    }
}

fn answer(hub: &Hub, client: &Client, granted: Granted) -> Response {
    let cookies = cookies::grant(&granted, hub.settings(), client.is_secure);
    let session = BrowserSession {
        // A page has no need of it, and a script that got into the page must not have it.
        access_token: (!client.has_origin).then(|| granted.access.expose_secret().to_owned()),
        user: granted.user,
        token_id: granted.token_id,
        expires_in: hub.settings().access_lifetime.as_secs(),
    };
    with_cookies(success(session), cookies)
}

fn with_cookies(answer: impl IntoResponse, cookies: Vec<HeaderValue>) -> Response {
    let mut response = answer.into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
