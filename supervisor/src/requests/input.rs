//! What a client sent, or why it does not fit, always as a `ControlError`.

use std::time::Duration;

use anet_protocol::control::ControlErrorCode;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;

/// How long a body may take to arrive (R56).
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A JSON body; none at all counts as `{}`.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state))
            .await
            .map_err(|_| invalid("the body did not arrive in time"))?
            .map_err(|rejection| invalid(rejection.body_text()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| invalid(format!("the body does not fit: {error}")))
    }
}

/// The node's name in the path.
pub(super) struct NodeName(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NodeName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(name) =
            Path::from_request_parts(parts, state).await.map_err(|rejection| invalid(rejection.body_text()))?;
        Ok(Self(name))
    }
}

/// The query.
pub(super) struct Options<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Options<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(options) =
            Query::from_request_parts(parts, state).await.map_err(|rejection| invalid(rejection.body_text()))?;
        Ok(Self(options))
    }
}

fn invalid(error: impl Into<String>) -> Refusal {
    Refusal::new(ControlErrorCode::InvalidInput, error)
}
