use std::net::{IpAddr, SocketAddr};

use anet_protocol::rest::ErrorCode;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;

/// The socket a request came over, put into the request by the accept loop. No header is believed in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddress(pub SocketAddr);

/// Where a request comes from.
pub(crate) struct Origin(pub Option<IpAddr>);

/// Reads the address that the accept loop has noted.
pub(crate) fn origin(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<PeerAddress>().map(|peer| peer.0.ip())
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HubError> {
        Ok(Self(origin(parts)))
    }
}

/// The owner of the bearer token.
pub(crate) struct AuthenticatedCaller(pub Caller);

impl FromRequestParts<Hub> for AuthenticatedCaller {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, HubError> {
        let gate = Gate::of(parts.uri.path());
        let Some(token) = bearer(&parts.headers)? else {
            return Err(Refusal::new(ErrorCode::AuthRequired, gate.missing())
                .hint("send `Authorization: Bearer <token>`")
                .into());
        };
        match Caller::identify(hub, &token, origin(parts)).await {
            Err(HubError::Refused(mut refusal)) if refusal.code == ErrorCode::InvalidToken => {
                gate.invalid().clone_into(&mut refusal.error);
                Err(HubError::Refused(refusal))
            }
            caller => Ok(Self(caller?)),
        }
    }
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
            "/api/auth/me" => Self::Account,
            _ if path.starts_with("/api/auth/") => Self::Token,
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

/// The token of the one `Authorization: Bearer` header. A token in the URL would end up in logs, so none is read there.
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

/// The variable part of a path, percent-decoded.
pub(crate) struct PathPart(pub String);

impl<S: Sync + Send> FromRequestParts<S> for PathPart {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HubError> {
        let Path(part) = Path::from_request_parts(parts, state).await.map_err(|rejection| {
            Refusal::new(ErrorCode::InvalidInput, "invalid input").message(rejection.body_text())
        })?;
        Ok(Self(part))
    }
}
