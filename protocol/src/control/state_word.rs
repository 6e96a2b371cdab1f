//! One word for how a process is, derived from all that is known of it.

use super::{ExitCause, ProcessState, TokenState};
use crate::exit_code::ExitCode;
use crate::notification::Link;

/// So many failures in a row are a crash loop (R11): the pause before the next start is then above a second.
const CRASH_LOOP: u32 = 5;

/// The word for `state` in lists, from what the process does, what it last told of its link to the hub, and what is
/// being done about its token: that this is dead counts more than that the process lives.
///
/// | word | meaning |
/// |---|---|
/// | `unknown` | nobody watches it |
/// | `stopped` | it is down, and nobody wants it up |
/// | `waiting` | it is started as soon as the hub is ready |
/// | `starting`, `slow` | it has not said that it is ready; `slow`: for longer than its policy has it |
/// | `running` | it is ready, and its link to the hub stands or it has none |
/// | `disconnected` | it is ready, and cannot speak to the hub, or the hub refuses its token; that is being mended |
/// | `auth_blocked` | the hub refuses its token, and a new one needs a person's login |
/// | `superseded` | another run holds its name at the hub |
/// | `draining` | it takes no new task, and is restarted when it has none in hand |
/// | `hung` | it gives no sign of life |
/// | `stopping` | it was asked to leave |
/// | `backoff`, `crash_loop` | it died and is started again; `crash_loop`: five times in a row or more |
/// | `needs_attention` | neither starting it again nor a new token can mend it |
#[must_use]
pub const fn state_word(process: &ProcessState, link: Option<Link>, token: Option<&TokenState>) -> &'static str {
    match token {
        Some(TokenState::AuthBlocked { .. }) => return "auth_blocked",
        Some(TokenState::NeedsAttention { .. }) => return "needs_attention",
        Some(TokenState::Repairing | TokenState::Waiting { .. }) | None => {}
    }
    match process {
        ProcessState::Starting { slow: true, .. } => "slow",
        ProcessState::Running { hung: true, .. } => "hung",
        ProcessState::Running { hung: false, .. } | ProcessState::Starting { slow: false, .. } => match link {
            Some(Link::Superseded) => "superseded",
            Some(Link::Reconnecting | Link::Unreachable | Link::Unauthorized)
                if matches!(process, ProcessState::Running { .. }) =>
            {
                "disconnected"
            }
            Some(Link::Connected | Link::Reconnecting | Link::Unreachable | Link::Unauthorized) | None => match process
            {
                ProcessState::Running { draining: true, .. } => "draining",
                _ => process.word(),
            },
        },
        ProcessState::Backoff { attempt, .. } if *attempt >= CRASH_LOOP => "crash_loop",
        ProcessState::NeedsAttention { last_exit, .. } => match last_exit.cause {
            ExitCause::Code { code } if code == ExitCode::TokenRefused.code() as i32 => "auth_blocked",
            _ => process.word(),
        },
        ProcessState::Unknown
        | ProcessState::Stopped { .. }
        | ProcessState::Waiting { .. }
        | ProcessState::Stopping { .. }
        | ProcessState::Backoff { .. } => process.word(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Exit;
    use crate::time::Timestamp;

    #[test]
    fn every_state_has_one_word() {
        let since = Timestamp::from_millis(0);
        let exit = |code| Exit {
            at: since,
            incarnation: 1,
            started_at: None,
            cause: ExitCause::Code { code },
            asked: None,
            last_words: None,
            hint: None,
        };
        let running = |hung| ProcessState::Running { pid: 1, since, ready_at: since, hung, draining: false };
        let draining = ProcessState::Running { pid: 1, since, ready_at: since, hung: false, draining: true };
        let starting = |slow| ProcessState::Starting { pid: 1, since, slow };
        let backoff = |attempt| ProcessState::Backoff { until: since, attempt, last_exit: exit(1) };
        let attention = |code| ProcessState::NeedsAttention { since, reason: String::new(), last_exit: exit(code) };
        let (connected, unreachable) = (Some(Link::Connected), Some(Link::Unreachable));
        let (unauthorized, superseded) = (Some(Link::Unauthorized), Some(Link::Superseded));
        let waiting = ProcessState::Waiting { since, reason: String::new(), last_exit: None };
        let table = [
            (ProcessState::Unknown, None, "unknown"),
            (ProcessState::Stopped { since, last_exit: Some(exit(0)) }, None, "stopped"),
            (waiting, None, "waiting"),
            (starting(false), None, "starting"),
            (starting(false), unreachable, "starting"),
            (starting(false), unauthorized, "starting"),
            (starting(true), None, "slow"),
            (running(false), None, "running"),
            (running(false), connected, "running"),
            (running(false), unreachable, "disconnected"),
            (running(false), unauthorized, "disconnected"),
            (running(false), superseded, "superseded"),
            (running(true), connected, "hung"),
            (draining.clone(), connected, "draining"),
            (draining, unreachable, "disconnected"),
            (ProcessState::Stopping { pid: 1, since, asked: None }, unreachable, "stopping"),
            (backoff(1), None, "backoff"),
            (backoff(4), None, "backoff"),
            (backoff(5), None, "crash_loop"),
            (attention(76), None, "needs_attention"),
            (attention(78), None, "auth_blocked"),
        ];
        for (process, link, word) in table {
            assert_eq!(state_word(&process, link, None), word, "{process:?} {link:?}");
        }
        let (reason, hint) = (String::new(), String::new());
        let tokens = [
            (TokenState::Repairing, "disconnected"),
            (TokenState::Waiting { reason: reason.clone(), until: since }, "disconnected"),
            (TokenState::AuthBlocked { reason: reason.clone(), hint: hint.clone() }, "auth_blocked"),
            (TokenState::NeedsAttention { reason, hint }, "needs_attention"),
        ];
        for (token, word) in tokens {
            assert_eq!(state_word(&running(false), unauthorized, Some(&token)), word, "{token:?}");
        }
    }
}
