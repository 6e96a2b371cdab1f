use std::convert::Infallible;
use std::net::SocketAddr;

use anet_protocol::rest::ErrorCode;
use anet_protocol::role::CredentialKind;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::accounts::local;
use crate::api::cookies;
use crate::api::edge::{Identified, UrlSecret};
use crate::caller::Caller;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;

/// The socket a request came over, put into the request by the accept loop. No header is believed in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddress(pub SocketAddr);

/// The other end of the request, as the edge has found out.
pub(crate) fn client(parts: &Parts) -> Client {
    parts.extensions.get::<Client>().cloned().unwrap_or_default()
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(client(parts))
    }
}

/// Whoever has shown a token, a browser's cookie or a ticket.
pub(crate) struct AuthenticatedCaller(pub Caller);

impl FromRequestParts<Hub> for AuthenticatedCaller {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, HubError> {
        let gate = Gate::of(parts.uri.path());
        let client = client(parts);
        let caller = match identify(parts, hub, &client, &gate).await {
            Err(HubError::Refused(mut refusal)) if refusal.code == ErrorCode::InvalidToken => {
                if refusal.error == "invalid token" {
                    gate.invalid().clone_into(&mut refusal.error);
                }
                return Err(HubError::Refused(refusal));
            }
            caller => caller?,
        };
        if let Some(Identified(slot)) = parts.extensions.get() {
            // Set once: there is one caller to a request.
            drop(slot.set(caller.clone()));
        }
        Ok(Self(caller))
    }
}

async fn identify(parts: &Parts, hub: &Hub, client: &Client, gate: &Gate) -> Result<Caller, HubError> {
    if let Some(token) = bearer(&parts.headers)? {
        return admit(parts, Caller::identify(hub, &token, client).await?);
    }
    match parts.extensions.get() {
        Some(UrlSecret::Ticket(ticket)) if parts.uri.path().starts_with("/events/") => {
            return Caller::by_ticket(hub, ticket.expose_secret(), client).await;
        }
        Some(UrlSecret::Token(token)) if hub.settings().allow_url_tokens && parts.method == Method::GET => {
            return admit(parts, Caller::identify(hub, token, client).await?);
        }
        Some(_) => {
            return Err(Refusal::new(ErrorCode::AuthRequired, gate.missing())
                .message("a secret in the URL ends up in logs, so it is not taken")
                .hint("send `Authorization: Bearer <token>`; a browser's EventSource gets a ticket from POST /api/auth/ticket")
                .into());
        }
        None => {}
    }
    if let Some(token) = cookies::access(&parts.headers, client.is_secure) {
        cookies::check_page(&parts.headers, &parts.method)?;
        return Caller::identify(hub, &token, client).await;
    }
    if let Some(caller) = local::caller(hub, client).await? {
        cookies::check_fetch(&parts.headers)?;
        return Ok(caller);
    }
    Err(Refusal::new(ErrorCode::AuthRequired, gate.missing()).hint("send `Authorization: Bearer <token>`").into())
}

/// Upstream's master token reads the API, and does nothing else (commhub-http §0.2).
fn admit(parts: &Parts, caller: Caller) -> Result<Caller, HubError> {
    let reads = matches!(parts.method, Method::GET | Method::HEAD) && parts.uri.path().starts_with("/api/");
    if caller.credential == CredentialKind::Legacy && !reads {
        let error = "master-token auth is deprecated; use admin utok_";
        return Err(Refusal::new(ErrorCode::InvalidToken, error).into());
    }
    Ok(caller)
}

/// Upstream says the same thing in different words, by route (commhub-http §0.1), and its clients compare them.
enum Gate {
    Account,
    Token,
    Data,
}

impl Gate {
    fn of(path: &str) -> Self {
        match path {
            "/api/auth/me" | "/api/auth/password" | "/api/networks" => Self::Account,
            _ if [
                "/api/auth/",
                "/api/networks/",
                "/api/node-rename/",
                "/api/audit-log",
                "/api/users",
                "/api/admin/",
            ]
            .iter()
            .any(|gated| path.starts_with(gated)) =>
            {
                Self::Token
            }
            _ => Self::Data,
        }
    }

    const fn missing(&self) -> &'static str {
        match self {
            Self::Account => "token required",
            Self::Token => "auth required",
            Self::Data => "unauthorized",
        }
    }

    const fn invalid(&self) -> &'static str {
        match self {
            Self::Account | Self::Token => "invalid token",
            Self::Data => "unauthorized",
        }
    }
}

/// The token of the one `Authorization: Bearer` header.
fn bearer(headers: &HeaderMap) -> Result<Option<SecretString>, HubError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = || Refusal::new(ErrorCode::InvalidToken, "invalid token").message("not one `Bearer <token>`");
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
    // RFC 9110 §11.1: the scheme's case does not matter.
    if !scheme.eq_ignore_ascii_case("bearer") || values.next().is_some() {
        return Err(malformed().into());
    }
    Ok(Some(SecretString::from(token)))
}

/// A body of JSON, declared as such: a form of a foreign web page cannot pass for one.
pub(crate) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Hub> for JsonBody<T> {
    type Rejection = HubError;

    async fn from_request(request: Request, hub: &Hub) -> Result<Self, HubError> {
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = declared.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::new(ErrorCode::UnsupportedMediaType, "unsupported media type")
                .message("send the body as `Content-Type: application/json`")
                .into());
        }
        let body = Bytes::from_request(request, hub).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::new(ErrorCode::BodyTooLarge, "body too large")
            } else {
                Refusal::new(ErrorCode::InvalidInput, "invalid input").message("the body did not arrive in full")
            }
        })?;
        // Serde would take a list for the fields of an object, in their order.
        if body.trim_ascii_start().starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
            return Err(Refusal::new(ErrorCode::InvalidInput, "invalid input")
                .message("the body is one object")
                .into());
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            // Data errors name the field; they may repeat a value, so they go to the caller and not into the log.
            let refusal = if error.is_data() {
                Refusal::new(ErrorCode::InvalidInput, "invalid input")
            } else {
                Refusal::new(ErrorCode::InvalidJson, "invalid JSON")
            };
            refusal.message(error.to_string()).into()
        })
    }
}

/// The query of a URL.
pub(crate) struct QueryPart<T>(pub T);

impl<T: DeserializeOwned, S: Sync + Send> FromRequestParts<S> for QueryPart<T> {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HubError> {
        let Query(query) = Query::from_request_parts(parts, state).await.map_err(|rejection| {
            Refusal::new(ErrorCode::InvalidInput, "invalid input").message(rejection.body_text())
        })?;
        Ok(Self(query))
    }
}

/// The variable part of a path, percent-decoded; several as a tuple.
pub(crate) struct PathPart<T = String>(pub T);

impl<T: DeserializeOwned + Send, S: Sync + Send> FromRequestParts<S> for PathPart<T> {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HubError> {
        let Path(part) = Path::from_request_parts(parts, state).await.map_err(|rejection| {
            Refusal::new(ErrorCode::InvalidInput, "invalid input").message(rejection.body_text())
        })?;
        Ok(Self(part))
    }
}
