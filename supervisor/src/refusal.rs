//! How a request is refused.

use std::sync::Arc;

use anet_protocol::control::{ControlError, ControlErrorCode};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

/// A [`ControlError`] on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(pub(crate) Box<ControlError>);

impl Refusal {
    pub(crate) fn new(code: ControlErrorCode, error: impl Into<String>) -> Self {
        Self(Box::new(ControlError { ok: false, error: error.into(), code, hint: None }))
    }

    /// Adds what mends it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(ControlErrorCode::Internal, format!("{error}"))
    }

    /// The supervisor is on its way out and its actors with it.
    pub(crate) fn leaving() -> Self {
        Self::internal("the supervisor is shutting down").hint("anet supervisor start")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Beside the body, for whoever writes down what came of a request.
        let told = Extension(Arc::new((*self.0).clone()));
        (status, told, Json(self.0)).into_response()
    }
}
