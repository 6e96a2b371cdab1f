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

/// One line for people: how it ended.
pub(crate) fn describe(cause: &ExitCause) -> String {
    match cause {
        ExitCause::Code { code } => match ExitCode::from_code(*code) {
            Some(known) => format!("exit code {code}: {}", known.meaning()),
            None => format!("exit code {code}"),
        },
        ExitCause::Signal { signal } => match nix::sys::signal::Signal::try_from(*signal) {
            Ok(name) => format!("killed by {name}"),
            Err(_) => format!("killed by signal {signal}"),
        },
        ExitCause::Unknown => "ended while no supervisor was its parent, so its exit code is unknown".to_owned(),
        ExitCause::SpawnFailed { reason } => reason.clone(),
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
        for cause in [ExitCause::Signal { signal: 9 }, ExitCause::Unknown] {
            assert_eq!(verdict(&cause, true), Verdict::RestartLater);
        }
    }

    #[test]
    fn a_restart_asked_for_before_any_work_waits_its_turn() {
        assert_eq!(verdict(&ExitCause::Code { code: 75 }, false), Verdict::RestartLater);
    }

    #[test]
    fn an_end_is_told_in_words() {
        assert_eq!(describe(&ExitCause::Signal { signal: 9 }), "killed by SIGKILL");
        assert_eq!(describe(&ExitCause::Code { code: 76 }), "exit code 76: configuration invalid");
    }
}
