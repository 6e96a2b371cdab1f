use std::any::Any;

use anet_protocol::rest::{ErrorCode, Success};
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
        let status = StatusCode::from_u16(body.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let extra: Option<(HeaderName, &str)> = match body.code {
            ErrorCode::RateLimited => Some((header::RETRY_AFTER, "2")),
            ErrorCode::StorageUnavailable | ErrorCode::ShuttingDown => Some((header::RETRY_AFTER, "1")),
            _ if status == StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            _ => None,
        };
        let mut response = (status, Json(body)).into_response();
        if let Some((name, value)) = extra
            && let Ok(value) = HeaderValue::from_str(value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Wraps the result of an operation.
pub(crate) fn success<T: Serialize>(body: T) -> Json<Success<T>> {
    Json(Success::new(body))
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
