//! What a command says when it could not do its work: what failed, why, and what to do about it.

use std::io;
use std::process::ExitCode;

use anet_protocol::control::{ControlError, ControlErrorCode};
use anet_protocol::exit_code::CommandExit;
use anet_protocol::rest::{ErrorBody, ErrorCode};
use serde::Serialize;

/// A failed command. Its text says what failed and why; the hints say what mends it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: CommandExit,
    /// What failed, outermost first.
    pub error: anyhow::Error,
    /// Commands or advice, each printed on a line of its own after `hint:`.
    pub hints: Vec<String>,
    /// The hub's or supervisor's stable word, for `--json`.
    pub code: Option<String>,
}

/// No connection came about.
const HUB_UNREACHABLE: &str = "hub_unreachable";

/// A connection ended before the answer was there.
const CONNECTION_BROKEN: &str = "hub_connection_broken";

/// What every command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;

impl Failure {
    /// The command was understood and did not succeed.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: CommandExit::Failed, error: error.into(), hints: Vec::new(), code: None }
    }

    /// As [`Self::failed`], with a sentence instead of an error.
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::failed(anyhow::Error::msg(text.into()))
    }

    /// The command line does not make sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { exit: CommandExit::Usage, ..Self::message(text) }
    }

    /// There is no node or program of that name.
    pub(crate) fn no_such_node(text: impl Into<String>) -> Self {
        let code = word(ControlErrorCode::NodeNotFound);
        Self { exit: CommandExit::NotFound, code, ..Self::message(text) }
    }

    /// No supervisor runs, or it does not answer.
    pub(crate) fn no_supervisor(error: impl Into<anyhow::Error>) -> Self {
        let code = Some("supervisor_not_running".to_owned());
        Self { exit: CommandExit::SupervisorUnreachable, code, ..Self::failed(error) }
    }

    /// The supervisor refused.
    pub(crate) fn refused_by_supervisor(refusal: ControlError) -> Self {
        let exit = CommandExit::of_refusal(refusal.code);
        let failure = Self { exit, code: word(refusal.code), ..Self::message(refusal.error) };
        match refusal.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// The hub at `url` does not answer.
    pub(crate) fn unreachable(url: &str, error: reqwest::Error) -> Self {
        let code = if error.is_connect() { HUB_UNREACHABLE } else { CONNECTION_BROKEN };
        // What lies between is the library's way down to the cause, and repeats the address.
        let cause = anyhow::Error::new(error).root_cause().to_string();
        Self {
            exit: CommandExit::HubUnreachable,
            code: Some(code.to_owned()),
            ..Self::message(format!("the hub at {url} does not answer: {cause}"))
        }
        .hint("start it with `anet hub start`, or name another with `--hub URL`")
    }

    /// The hub refused.
    pub(crate) fn refused(what: &str, body: &ErrorBody) -> Self {
        let reason = body.message.clone().unwrap_or_else(|| body.error.clone());
        let mut failure = Self { code: word(body.code), ..Self::message(format!("{what}: {reason}")) };
        if let Some(names) = body.details.get("suggestions").and_then(|names| names.as_array()) {
            let names: Vec<_> = names.iter().filter_map(|name| name.as_str()).collect();
            if !names.is_empty() {
                failure = failure.hint(format!("did you mean {}?", names.join(" or ")));
            }
        }
        match &body.hint {
            Some(hint) => failure.hint(hint.clone()),
            None => failure,
        }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what was being done.
    #[must_use]
    pub(crate) fn context(mut self, what: impl Into<String>) -> Self {
        self.error = self.error.context(what.into());
        self
    }

    /// True when the hub refused for this reason.
    pub(crate) fn is_refusal(&self, code: ErrorCode) -> bool {
        self.code.is_some() && self.code == word(code)
    }

    /// True when the hub does not know the token, or no longer.
    pub(crate) fn is_dead_token(&self) -> bool {
        [ErrorCode::AuthRequired, ErrorCode::InvalidToken, ErrorCode::TokenExpired]
            .into_iter()
            .any(|code| self.is_refusal(code))
    }

    /// True when no token was shown, because nobody is logged in.
    pub(crate) fn is_nobody(&self) -> bool {
        self.is_refusal(ErrorCode::AuthRequired)
    }

    /// True when a connection that was there broke, so that nobody knows whether the request arrived.
    pub(crate) fn is_broken_connection(&self) -> bool {
        self.code.as_deref() == Some(CONNECTION_BROKEN)
    }

    /// True when the reader of stdout went away, as `anet … | head` does: nothing to report.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The hub's or supervisor's word for a reason.
fn word(code: impl Serialize) -> Option<String> {
    serde_json::to_value(code).ok().and_then(|code| code.as_str().map(str::to_owned))
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}
