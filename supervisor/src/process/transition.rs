//! What follows when a process ends that nobody asked to: a pure function of the policy, of how it ended and of the
//! failures before it.

use std::time::Duration;

use anet_protocol::control::{Desired, ExitCause};
use anet_protocol::exit_code::ExitCode;

use super::backoff;
use crate::policy::{Policy, RestartPolicy};

/// The failures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Failures {
    /// Failures in a row.
    pub(crate) in_a_row: u32,
    /// What the pause after the last one would be without the jitter.
    pub(crate) plain_pause: Duration,
    /// The pause after the last one.
    pub(crate) last_pause: Duration,
}

/// A process that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'exit> {
    pub(crate) cause: &'exit ExitCause,
    /// How long it was ready, by the clock that goes on while the machine sleeps; absent when it never was.
    pub(crate) ready_for: Option<Duration>,
    /// How long it lived; absent when it could not be started, or was started by an earlier supervisor.
    pub(crate) lived: Option<Duration>,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// Nothing; it was to stop.
    Rest,
    /// Nothing; an end of this kind is the last one by its policy.
    Finished,
    /// A new start after this pause, which may be none.
    Again(Duration),
    /// Starting again cannot mend it; a person must (R12).
    GiveUp,
}

/// Decides, and counts the failure. `draw` is from the whole range of `u32`.
pub(crate) fn after_end(
    failures: &mut Failures,
    policy: &Policy,
    desired: Desired,
    ended: Ended<'_>,
    draw: u32,
) -> Next {
    let ready_for = ended.ready_for.unwrap_or_default();
    if backoff::is_stable(&policy.start_backoff, ready_for, failures.last_pause) {
        *failures = Failures::default();
    }
    if desired == Desired::Stopped {
        return Next::Rest;
    }
    match (kind(ended.cause), policy.restart) {
        (Kind::Hopeless, _) => Next::GiveUp,
        (_, RestartPolicy::Never) | (Kind::Success, RestartPolicy::OnFailure) => Next::Finished,
        // One that asks for a restart before it ever did its work would otherwise be restarted in a busy loop.
        (Kind::AsksForRestart, _) if ended.ready_for.is_some() => Next::Again(Duration::ZERO),
        (Kind::AsksForRestart | Kind::Failure | Kind::Success, _) => {
            failures.in_a_row = failures.in_a_row.saturating_add(1);
            let rule = &policy.start_backoff;
            let is_instant = ended.lived.is_some_and(|lived| lived < backoff::INSTANT);
            failures.plain_pause = backoff::pause(rule, failures.in_a_row, failures.plain_pause, is_instant);
            failures.last_pause = backoff::with_jitter(rule, failures.plain_pause, draw);
            Next::Again(failures.last_pause)
        }
    }
}

/// The kinds of end, as the exit code's meaning tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Success,
    Failure,
    AsksForRestart,
    Hopeless,
}

fn kind(cause: &ExitCause) -> Kind {
    let ExitCause::Code { code } = cause else { return Kind::Failure };
    match ExitCode::from_code(*code) {
        Some(ExitCode::Stopped) => Kind::Success,
        Some(ExitCode::RestartNow) => Kind::AsksForRestart,
        Some(
            ExitCode::Usage
            | ExitCode::ConfigInvalid
            | ExitCode::CredentialMissing
            | ExitCode::TokenRefused
            | ExitCode::Evicted,
        ) => Kind::Hopeless,
        Some(ExitCode::Fault) | None => Kind::Failure,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The middle of the range: no jitter.
    const NO_JITTER: u32 = u32::MAX / 2;

    fn code(code: i32) -> ExitCause {
        ExitCause::Code { code }
    }

    fn next(restart: RestartPolicy, cause: &ExitCause, was_ready: bool) -> Next {
        let policy = Policy { restart, ..Policy::default() };
        let ended = Ended { cause, ready_for: was_ready.then_some(Duration::from_secs(1)), lived: None };
        after_end(&mut Failures::default(), &policy, Desired::Running, ended, NO_JITTER)
    }

    /// Erlang's permanent, transient and temporary, for every class of end (OTP design principles, supervisor).
    #[test]
    fn the_policy_and_the_class_of_the_end_decide_together() {
        use RestartPolicy::{Always, Never, OnFailure};
        let again = Next::Again(Duration::ZERO);
        let killed = ExitCause::Signal { signal: 9, core: false };
        let table = [
            (code(0), [again, Next::Finished, Next::Finished]),
            (code(1), [again, again, Next::Finished]),
            (code(137), [again, again, Next::Finished]),
            (killed, [again, again, Next::Finished]),
            (ExitCause::OutOfMemory, [again, again, Next::Finished]),
            (ExitCause::Unknown, [again, again, Next::Finished]),
            (ExitCause::SpawnFailed { reason: String::new() }, [again, again, Next::Finished]),
            (code(75), [again, again, Next::Finished]),
            (code(2), [Next::GiveUp; 3]),
            (code(76), [Next::GiveUp; 3]),
            (code(77), [Next::GiveUp; 3]),
            (code(78), [Next::GiveUp; 3]),
            (code(79), [Next::GiveUp; 3]),
        ];
        for (cause, expected) in table {
            let found = [Always, OnFailure, Never].map(|restart| next(restart, &cause, true));
            assert_eq!(found, expected, "{cause:?}");
        }
    }

    #[test]
    fn a_restart_that_is_asked_for_counts_as_a_failure_before_any_work_only() {
        let policy = Policy::default();
        let pause = Duration::from_millis(400);
        let mut failures = Failures { in_a_row: 3, plain_pause: pause, last_pause: pause };
        let ended = |ready_for| Ended { cause: &ExitCause::Code { code: 75 }, ready_for, lived: None };
        let ready = ended(Some(Duration::from_secs(1)));
        assert_eq!(after_end(&mut failures, &policy, Desired::Running, ready, NO_JITTER), Next::Again(Duration::ZERO));
        assert_eq!(failures.in_a_row, 3);
        after_end(&mut failures, &policy, Desired::Running, ended(None), NO_JITTER);
        assert_eq!(failures.in_a_row, 4);
    }

    /// How often a process is started in its first five minutes that lives so long each time (R11).
    fn starts_in_five_minutes(lived: Duration, draw: u32) -> u32 {
        let (mut failures, mut time, mut starts) = (Failures::default(), Duration::ZERO, 0);
        while time < Duration::from_secs(300) {
            starts += 1;
            let ended = Ended { cause: &code(1), ready_for: None, lived: Some(lived) };
            let next = after_end(&mut failures, &Policy::default(), Desired::Running, ended, draw);
            let Next::Again(pause) = next else { panic!("{next:?}") };
            time += lived + pause;
        }
        starts
    }

    #[test]
    fn an_instantly_failing_process_is_started_a_dozen_times_in_five_minutes_not_three_hundred() {
        for draw in [0, NO_JITTER, u32::MAX] {
            let starts = starts_in_five_minutes(Duration::ZERO, draw);
            assert!((9..=12).contains(&starts), "{starts} starts");
        }
        assert_eq!(starts_in_five_minutes(Duration::from_secs(1), NO_JITTER), 14, "the pauses of R9");
    }

    /// A second account of the rules, in another form: what R9, R10, R12, R13 and R15 say of a whole life.
    #[derive(Default)]
    struct Reference {
        doublings: Option<i32>,
        last: Duration,
    }

    impl Reference {
        fn end(&mut self, policy: &Policy, ended: Ended<'_>, wanted: bool) -> Next {
            let (rule, Ended { cause, ready_for: ready, lived }) = (&policy.start_backoff, ended);
            if ready.unwrap_or_default() >= rule.stable_after && ready.unwrap_or_default() >= 2 * self.last {
                (self.doublings, self.last) = (None, Duration::ZERO);
            }
            if !wanted {
                return Next::Rest;
            }
            if [2, 76, 77, 78, 79].iter().any(|hopeless| *cause == code(*hopeless)) {
                return Next::GiveUp;
            }
            let is_last = match policy.restart {
                RestartPolicy::Always => false,
                RestartPolicy::OnFailure => *cause == code(0),
                RestartPolicy::Never => true,
            };
            if is_last {
                return Next::Finished;
            }
            if *cause == code(75) && ready.is_some() {
                return Next::Again(Duration::ZERO);
            }
            // Between two pauses lies one doubling, after a life of less than a second two.
            self.doublings = match self.doublings {
                None => Some(-1),
                Some(-1) => Some(0),
                Some(so_far) => Some(so_far + if lived.is_some_and(|lived| lived.as_millis() < 1000) { 2 } else { 1 }),
            };
            self.last = match self.doublings {
                None | Some(-1) => Duration::ZERO,
                Some(number) => (0..number).fold(rule.first, |pause, _| (pause * 2).min(rule.longest)),
            };
            Next::Again(self.last)
        }
    }

    /// How it ended, for how many seconds it was ready, how many milliseconds it lived, whether it is wanted, and
    /// whether a person starts it.
    fn any_end() -> impl Strategy<Value = (ExitCause, Option<u64>, Option<u64>, bool, bool)> {
        let cause = prop_oneof![
            prop::sample::select(vec![0, 1, 2, 3, 75, 76, 77, 78, 79, 101]).prop_map(code),
            Just(ExitCause::Signal { signal: 9, core: false }),
            Just(ExitCause::Unknown),
        ];
        let lived = prop::option::of(prop_oneof![0_u64..1000, 1000_u64..200_000]);
        (cause, prop::option::of(0_u64..200), lived, prop::bool::weighted(0.9), prop::bool::weighted(0.05))
    }

    proptest! {
        #[test]
        fn any_life_goes_as_the_reference_says(
            ends in prop::collection::vec(any_end(), 1..60),
            restart in prop::sample::select(vec![RestartPolicy::Always, RestartPolicy::OnFailure, RestartPolicy::Never]),
        ) {
            let mut policy = Policy { restart, ..Policy::default() };
            policy.start_backoff.jitter = 0.0;
            let (mut failures, mut reference) = (Failures::default(), Reference::default());
            for (cause, ready, lived, wanted, person_starts) in ends {
                if person_starts {
                    (failures, reference) = (Failures::default(), Reference::default());
                }
                let (ready_for, lived) = (ready.map(Duration::from_secs), lived.map(Duration::from_millis));
                let ended = Ended { cause: &cause, ready_for, lived };
                let desired = if wanted { Desired::Running } else { Desired::Stopped };
                let next = after_end(&mut failures, &policy, desired, ended, NO_JITTER);
                prop_assert_eq!(next, reference.end(&policy, ended, wanted));
                prop_assert!(failures.last_pause <= policy.start_backoff.longest);
            }
        }
    }
}
