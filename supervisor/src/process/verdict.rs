//! What an exit that nobody asked for means.

use anet_protocol::control::ExitCause;
use anet_protocol::exit_code::ExitCode;

/// What follows an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start again after the back-off's pause.
    RestartLater,
    /// Start again at once; it asked for that.
    RestartNow,
    /// Starting again cannot mend it (R12).
    GiveUp,
}

/// Decides by the exit code's meaning. `was_ready` tells whether the process ever did its work: one
/// that asks for a restart before it did would otherwise be restarted in a busy loop.
pub(crate) fn verdict(cause: &ExitCause, was_ready: bool) -> Verdict {
    let ExitCause::Code { code } = cause else { return Verdict::RestartLater };
    match ExitCode::from_code(*code) {
        Some(ExitCode::RestartNow) if was_ready => Verdict::RestartNow,
        Some(
            ExitCode::Usage
            | ExitCode::ConfigInvalid
            | ExitCode::CredentialMissing
            | ExitCode::TokenRefused
            | ExitCode::Evicted,
        ) => Verdict::GiveUp,
        Some(ExitCode::Stopped | ExitCode::Fault | ExitCode::RestartNow) | None => Verdict::RestartLater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes_holds() {
        let of = |code| verdict(&ExitCause::Code { code }, true);
        for code in [0, 1, 3, 101, 137] {
            assert_eq!(of(code), Verdict::RestartLater, "{code}");
        }
        for code in [2, 76, 77, 78, 79] {
            assert_eq!(of(code), Verdict::GiveUp, "{code}");
        }
        assert_eq!(of(75), Verdict::RestartNow);
        for cause in [ExitCause::Signal { signal: 9, core: false }, ExitCause::Unknown] {
            assert_eq!(verdict(&cause, true), Verdict::RestartLater);
        }
    }

    #[test]
    fn a_restart_asked_for_before_any_work_waits_its_turn() {
        assert_eq!(verdict(&ExitCause::Code { code: 75 }, false), Verdict::RestartLater);
    }
}
