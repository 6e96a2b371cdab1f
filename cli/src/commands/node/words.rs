//! What there is to say about a process, for people.

use anet_protocol::Clock as _;
use anet_protocol::control::{Exit, NodeView, ProcessState};
use anet_protocol::time::Timestamp;

use crate::printer::head;
use crate::system::SystemClock;

/// No more of a process's last words is shown.
const LONGEST_WORDS: usize = 200;

/// What a person must know about a process that is not well; `None` when it is.
pub(crate) fn trouble(state: &str, process: &ProcessState) -> Option<String> {
    match process {
        ProcessState::NeedsAttention { reason, .. } => Some(reason.clone()),
        ProcessState::Backoff { until, attempt, last_exit } => {
            let failures = if *attempt == 1 { "1 failure".to_owned() } else { format!("{attempt} failures") };
            let word = state.replace('_', "-");
            Some(format!("{word}, next try in {} s, {failures}, last: {}", seconds_until(*until), end(last_exit)))
        }
        ProcessState::Waiting { reason, .. } => Some(format!("waiting: {reason}; it is started as soon as it is")),
        ProcessState::Starting { since, slow: true, .. } => {
            Some(format!("starting (slow): not ready since {since} UTC, left alone"))
        }
        ProcessState::Running { hung: true, .. } => Some("hung: it gives no sign of life".to_owned()),
        _ => None,
    }
}

/// The word for a node in lists: that of the supervisor, but for what runs and never says that it is ready.
pub(crate) fn state(node: &NodeView) -> &str {
    let is_up = matches!(node.process, ProcessState::Running { hung: false, .. }) && !node.tells_ready;
    if is_up { "up" } else { &node.state }
}

/// How a process ended, in a few words and its own.
pub(crate) fn end(exit: &Exit) -> String {
    let mut text = exit.cause.brief();
    if let Some(asked) = &exit.asked {
        text = format!("{text}, {}", asked.describe());
    }
    if let Some(words) = &exit.last_words {
        text = format!("{text} \"{}\"", head(words, LONGEST_WORDS));
    }
    text
}

/// How long ago something was: `12 s`, `3 min`, `2 h`, `4 d`; a dash when it never was.
pub(crate) fn age(at: Option<Timestamp>) -> String {
    let Some(at) = at else { return "-".to_owned() };
    let seconds = SystemClock.now().millis_since(at).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn seconds_until(moment: Timestamp) -> i64 {
    // Times travel in whole seconds, so this is one too few rather than too many.
    moment.millis_since(SystemClock.now()).max(0) / 1000
}

#[cfg(test)]
mod tests {
    use anet_protocol::control::ExitCause;

    use super::*;

    fn exit() -> Exit {
        Exit {
            at: SystemClock.now(),
            incarnation: 9,
            started_at: None,
            cause: ExitCause::Code { code: 1 },
            asked: None,
            last_words: Some("no such file".to_owned()),
            hint: None,
        }
    }

    #[test]
    fn a_crash_loop_tells_when_how_often_and_why() {
        let until = SystemClock.now().plus(std::time::Duration::from_millis(31_900));
        let process = ProcessState::Backoff { until, attempt: 9, last_exit: exit() };
        let text = trouble("crash_loop", &process).unwrap();
        assert!(text.starts_with("crash-loop, next try in 3"), "{text}");
        assert!(text.ends_with(" s, 9 failures, last: exit 1 \"no such file\""), "{text}");
    }

    #[test]
    fn what_is_well_needs_no_words() {
        let since = SystemClock.now();
        assert_eq!(
            trouble("running", &ProcessState::Running { pid: 1, since, ready_at: since, hung: false, draining: false }),
            None
        );
        assert_eq!(age(None), "-");
        assert_eq!(age(Some(since.plus_seconds(-200))), "3 min");
    }
}
