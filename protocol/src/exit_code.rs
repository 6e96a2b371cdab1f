//! What the exit code of a process means: one table for the processes that the
//! supervisor starts, one for the commands that a person types.

use crate::control::ControlErrorCode;

/// How a hub, a node or a dashboard process ended, told to the supervisor by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// It was asked to stop and did.
    Stopped = 0,
    /// It failed for a reason that a restart may cure.
    Fault = 1,
    /// It was started with arguments it does not know.
    Usage = 2,
    /// It wants to be started again at once.
    RestartNow = 75,
    /// Its configuration is invalid.
    ConfigInvalid = 76,
    /// A credential or a program that it needs is missing.
    CredentialMissing = 77,
    /// The hub refused its token.
    TokenRefused = 78,
    /// Another instance holds this node.
    Evicted = 79,
}

impl ExitCode {
    /// Every code of the table.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Fault,
        Self::Usage,
        Self::RestartNow,
        Self::ConfigInvalid,
        Self::CredentialMissing,
        Self::TokenRefused,
        Self::Evicted,
    ];

    /// The meaning of a number that the system reported; `None` for one outside the table,
    /// which is to be treated as [`ExitCode::Fault`].
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| i32::from(known.code()) == code)
    }

    /// The number to exit with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// One line for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Stopped => "asked to stop",
            Self::Fault => "failed",
            Self::Usage => "started with unknown arguments",
            Self::RestartNow => "asked to be started again",
            Self::ConfigInvalid => "configuration invalid",
            Self::CredentialMissing => "a credential or program is missing",
            Self::TokenRefused => "the hub refused the token",
            Self::Evicted => "another instance holds this node",
        }
    }

    /// Whether starting it again, with nothing repaired in between, can help.
    ///
    /// [`ExitCode::TokenRefused`] is not: the token must be replaced first.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Fault | Self::RestartNow)
    }
}

/// How a command that a person or a script ran ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CommandExit {
    /// It did what was asked.
    Done = 0,
    /// It did not; the error text says why.
    Failed = 1,
    /// The command line itself was wrong.
    Usage = 2,
    /// The hub could not be reached.
    HubUnreachable = 3,
    /// There is no node or program of that name.
    NotFound = 4,
    /// It was not proven done within the time to wait; what was begun goes on.
    Timeout = 5,
    /// No supervisor runs, or it does not answer.
    SupervisorUnreachable = 6,
    /// The supervisor, or what it needs, is another user's (`EX_NOPERM` of sysexits.h).
    PermissionDenied = 77,
    /// A configuration, a `.env` or `supervisor.toml` cannot be used (`EX_CONFIG` of sysexits.h).
    ConfigInvalid = 78,
}

impl CommandExit {
    /// Every code of the table.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::HubUnreachable,
        Self::NotFound,
        Self::Timeout,
        Self::SupervisorUnreachable,
        Self::PermissionDenied,
        Self::ConfigInvalid,
    ];

    /// How a command ends that the supervisor refused for this reason (R58).
    #[must_use]
    pub const fn of_refusal(code: ControlErrorCode) -> Self {
        match code {
            ControlErrorCode::NodeNotFound => Self::NotFound,
            ControlErrorCode::NotReady | ControlErrorCode::StillBusy => Self::Timeout,
            ControlErrorCode::Forbidden => Self::PermissionDenied,
            ControlErrorCode::ConfigInvalid => Self::ConfigInvalid,
            ControlErrorCode::InvalidInput
            | ControlErrorCode::AmbiguousNode
            | ControlErrorCode::PortTaken
            | ControlErrorCode::StillRunning
            | ControlErrorCode::UpgradeRefused
            | ControlErrorCode::StartFailed
            | ControlErrorCode::StopFailed
            | ControlErrorCode::Internal => Self::Failed,
        }
    }

    /// One line for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed; the error says why",
            Self::Usage => "wrong command line",
            Self::HubUnreachable => "the hub does not answer",
            Self::NotFound => "no such node or program",
            Self::Timeout => "not done within the time to wait; what was begun goes on",
            Self::SupervisorUnreachable => "no supervisor answers",
            Self::PermissionDenied => "another user's supervisor refuses",
            Self::ConfigInvalid => "a configuration cannot be used",
        }
    }

    /// The number to exit with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_design() {
        assert_eq!(ExitCode::ALL.map(ExitCode::code), [0, 1, 2, 75, 76, 77, 78, 79]);
        assert_eq!(CommandExit::ALL.map(CommandExit::code), [0, 1, 2, 3, 4, 5, 6, 77, 78]);
    }

    #[test]
    fn every_code_is_found_by_its_number_and_no_other_number_is_known() {
        for code in -300..300 {
            match ExitCode::from_code(code) {
                Some(known) => assert_eq!(i32::from(known.code()), code),
                None => assert!(ExitCode::ALL.iter().all(|known| i32::from(known.code()) != code)),
            }
        }
    }

    #[test]
    fn only_faults_and_requested_restarts_are_retried() {
        let retried: Vec<_> = ExitCode::ALL.into_iter().filter(|code| code.is_retryable()).collect();
        assert_eq!(retried, [ExitCode::Fault, ExitCode::RestartNow]);
    }
}
