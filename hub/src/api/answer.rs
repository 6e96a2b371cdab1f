use std::any::Any;

use anet_protocol::rest::{Done, ErrorCode, Success};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::{HubError, Refusal};

/// What a door answers: `{"ok":true,…}`, or a refusal.
pub(crate) type Answer<T> = Result<Json<Success<T>>, HubError>;

impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        let body = self.to_body();
        match body.code {
            // The one place where an internal error is written down.
            ErrorCode::Internal => {
                tracing::error!(error = %self, detail = ?self, "a call failed through the hub's fault");
            }
            ErrorCode::StorageUnavailable => tracing::warn!(error = %self, "a call failed for want of the database"),
            _ => {}
        }
        let code = body.code;
        let wait = body.details.get("retry_after_ms").and_then(serde_json::Value::as_u64).unwrap_or(2000);
        let status = StatusCode::from_u16(body.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let extra: Option<(HeaderName, String)> = match body.code {
            ErrorCode::RateLimited | ErrorCode::LoginDelayed => {
                Some((header::RETRY_AFTER, wait.div_ceil(1000).to_string()))
            }
            ErrorCode::StorageUnavailable | ErrorCode::ShuttingDown => Some((header::RETRY_AFTER, "1".to_owned())),
            // RFC 6750 §3.1: with `invalid_token` another token helps.
            ErrorCode::InvalidToken | ErrorCode::TokenExpired => {
                Some((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"".to_owned()))
            }
            ErrorCode::PermissionDenied => {
                Some((header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"".to_owned()))
            }
            _ if status == StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer".to_owned())),
            _ => None,
        };
        let mut response = (status, Json(body)).into_response();
        if let Some((name, value)) = extra
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Refused(code));
        response
    }
}

/// Beside a refusal: why, for the edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused(pub ErrorCode);

/// Wraps the result of an operation.
pub(crate) fn success<T: Serialize>(body: T) -> Json<Success<T>> {
    Json(Success::new(body))
}

/// The answer of what has nothing to tell but that it is done.
pub(crate) fn done() -> Json<Success<Done>> {
    success(Done {})
}

/// The answer to a path that no route has.
pub(crate) async fn refuse_path() -> HubError {
    Refusal::new(ErrorCode::NotFound, "not_found").message("no route of that path").into()
}

/// The answer to a method that the path does not have.
pub(crate) async fn refuse_method() -> HubError {
    Refusal::new(ErrorCode::MethodNotAllowed, "method_not_allowed").message("the path has no such method").into()
}

/// The answer when the code of a door has panicked.
#[expect(clippy::needless_pass_by_value, reason = "the signature is CatchPanicLayer's")]
pub(crate) fn refuse_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    HubError::Fault { doing: "answer a call", message }.into_response()
}
