//! How a control request is refused.

use serde::{Deserialize, Serialize};

/// A refused control request: `{"ok":false,"error":…,"code":…,"hint":…}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ControlError {
    /// Always false.
    pub ok: bool,
    /// What failed and why.
    pub error: String,
    /// The stable word for programs.
    pub code: ControlErrorCode,
    /// The command that mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why a control request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlErrorCode {
    /// 400: the request does not fit.
    InvalidInput,
    /// 403: the peer is another user.
    Forbidden,
    /// 404: no node of that name.
    NodeNotFound,
    /// 409: several projects have a node of that name; name one.
    AmbiguousNode,
    /// 409: somebody else holds the port; the error names who.
    PortTaken,
    /// 409: not while it runs.
    StillRunning,
    /// 409: it did not finish its tasks in time, and goes on.
    StillBusy,
    /// 422: the node's configuration or `.env` cannot be used.
    ConfigInvalid,
    /// 422: the program file cannot take the supervisor's place.
    UpgradeRefused,
    /// 502: it was started and failed before it was ready, or runs and cannot become so without a person.
    StartFailed,
    /// 504: it is alive and has not said that it is ready in time.
    NotReady,
    /// 500: processes survived the stop; the error names them.
    StopFailed,
    /// 500: a fault of the supervisor.
    Internal,
}

impl ControlErrorCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidInput => 400,
            Self::Forbidden => 403,
            Self::NodeNotFound => 404,
            Self::AmbiguousNode | Self::PortTaken | Self::StillRunning | Self::StillBusy => 409,
            Self::ConfigInvalid | Self::UpgradeRefused => 422,
            Self::StopFailed | Self::Internal => 500,
            Self::StartFailed => 502,
            Self::NotReady => 504,
        }
    }
}
