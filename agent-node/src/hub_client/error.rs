use std::error::Error;

use anet_protocol::rest::{ErrorBody, ErrorCode};
use reqwest::{Response, StatusCode};

/// Why a call of the hub did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubError {
    /// No connection, or it broke, or no answer came in time: whether the hub did it is unknown.
    #[error("{what}: the hub cannot be reached")]
    Unreachable {
        what: &'static str,
        #[source]
        source: reqwest::Error,
    },
    /// The connection stands, but no answer came in time.
    #[error("{what}: the hub does not answer")]
    Silent { what: &'static str },
    /// The hub said no.
    #[error("{what}: the hub answered {status}: {}", body.message.as_ref().unwrap_or(&body.error))]
    Refused { what: &'static str, status: u16, body: Box<ErrorBody> },
    /// It was not asked: it has refused this very token.
    #[error("{what}: waiting for another token, since the hub refused this one")]
    TokenRefused { what: &'static str },
    /// Something answered that does not speak like a hub, such as a proxy.
    #[error("{what}: the answer with status {status} is not one of a hub")]
    Unreadable { what: &'static str, status: u16 },
}

impl HubError {
    pub(super) fn unreachable(what: &'static str, source: reqwest::Error) -> Self {
        Self::Unreachable { what, source: source.without_url() }
    }

    /// Reads why the hub refused.
    pub(super) async fn from_refusal(what: &'static str, response: Response) -> Self {
        let status = response.status().as_u16();
        match response.json::<ErrorBody>().await {
            Ok(body) => Self::Refused { what, status, body: Box::new(body) },
            Err(_) => Self::Unreadable { what, status },
        }
    }

    /// The hub's word for it.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { body, .. } => Some(body.code),
            _ => None,
        }
    }

    /// Whether the hub refused the token. Upstream's hubs and proxies answer 401 without a code.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status, .. } | Self::Unreadable { status, .. }
            if *status == StatusCode::UNAUTHORIZED.as_u16())
    }

    /// Whether the attempt no longer holds its task: nothing that it says will be heard.
    ///
    /// A 404 without the hub's own word for it is not counted: a proxy answers so while the hub
    /// behind it restarts, and a result must not be lost to that.
    pub(crate) fn ends_the_attempt(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::StaleAttempt | ErrorCode::TaskTerminal | ErrorCode::TaskNotFound))
    }

    /// Whether the hub will refuse this very request each time, because of what is in it.
    pub(crate) fn is_about_the_content(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::InvalidInput | ErrorCode::InvalidJson | ErrorCode::BodyTooLarge))
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    text
}
