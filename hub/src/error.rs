use std::io;
use std::path::PathBuf;

use anet_protocol::rest::{ErrorBody, ErrorCode};
use serde_json::{Map, Value};

use crate::store::StoreError;

/// Why the hub cannot start, cannot go on, or does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The caller asked for something it may not have or that does not exist.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The database did not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another hub holds the database.
    #[error("the database {} is in use by {holder}; one hub at a time may open it", path.display())]
    DatabaseInUse {
        /// The database.
        path: PathBuf,
        /// `pid 4711 (anet)`, or what can be told.
        holder: String,
    },
    /// A file of the hub cannot be prepared.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The listening socket is of no use.
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
    /// Others can reach the hub, and strangers could walk in.
    #[error("the hub may not be reached by others: {reason}")]
    Exposed {
        /// What lets them in.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// No hub has made this database.
    #[error("there is no database {}", .0.display())]
    NoDatabase(PathBuf),
    /// No such account.
    #[error("there is no user {0}")]
    NoUser(String),
    /// The one writer of the database is gone, so nothing could be stored any more.
    #[error("the writer of the database has ended unexpectedly")]
    WriterGone,
    /// A fault of the hub itself.
    #[error("fault while {doing}: {message}")]
    Fault {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        message: String,
    },
}

/// A refusal, as the caller sees it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// The stable word.
    pub code: ErrorCode,
    /// The text that upstream's clients compare with.
    pub error: String,
    /// A sentence for people.
    pub message: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Facts beside the code.
    pub details: Map<String, Value>,
}

impl Refusal {
    /// A refusal with upstream's text `error`.
    pub(crate) fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { code, error: error.into(), message: None, hint: None, details: Map::new() }
    }

    pub(crate) fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// A value that does not fit: upstream's `invalid input` with the field and the rule beside it.
    pub(crate) fn invalid(field: &str, rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self::new(ErrorCode::InvalidInput, "invalid input")
            .message(format!("{field}: {rule}"))
            .detail("details", serde_json::json!({ "field": field, "rule": rule }))
    }
}

impl From<Refusal> for HubError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl HubError {
    /// What the caller is told. Internals stay in the log.
    pub(crate) fn to_body(&self) -> ErrorBody {
        let refusal = match self {
            Self::Refused(refusal) => refusal.as_ref().clone(),
            Self::Store(StoreError::Unavailable { .. }) => {
                Refusal::new(ErrorCode::StorageUnavailable, "storage_unavailable")
                    .message("the database refused the write; nothing was stored")
                    .hint("try again; if it lasts, look at the free space of the hub's disk")
            }
            Self::WriterGone => Refusal::new(ErrorCode::ShuttingDown, "shutting_down").message("the hub is stopping"),
            _ => Refusal::new(ErrorCode::Internal, "internal error").message("the hub's log has the cause"),
        };
        ErrorBody {
            ok: false,
            error: refusal.error,
            code: refusal.code,
            message: refusal.message,
            hint: refusal.hint,
            details: refusal.details,
        }
    }

    /// The refusal's word, if the caller is to blame.
    pub(crate) fn code(&self) -> ErrorCode {
        self.to_body().code
    }
}
