//! How long to wait before the next start.

use std::time::Duration;

use crate::policy::BackoffPolicy;

/// A process that does not live longer failed at once: it spent no time on the way, so its pauses grow twice as fast (R11).
pub(crate) const INSTANT: Duration = Duration::from_secs(1);

/// The pause before the start that follows the `failures`-th failure in a row, before jitter; `before` is the one that
/// followed the failure before it.
pub(crate) fn pause(policy: &BackoffPolicy, failures: u32, before: Duration, is_instant: bool) -> Duration {
    match (failures, before) {
        (0 | 1, _) => Duration::ZERO,
        (_, Duration::ZERO) => policy.first.min(policy.longest),
        _ => before.saturating_mul(if is_instant { 4 } else { 2 }).min(policy.longest),
    }
}

/// The pause stretched or shortened by a `draw` from the whole range of `u32`, never beyond the longest.
pub(crate) fn with_jitter(policy: &BackoffPolicy, pause: Duration, draw: u32) -> Duration {
    let direction = f64::from(draw) / f64::from(u32::MAX) * 2.0 - 1.0;
    pause.mul_f64((1.0 + policy.jitter * direction).max(0.0)).min(policy.longest)
}

/// Whether a process that was ready for `uptime` counts as mended, after the last pause of `last_pause`.
pub(crate) fn is_stable(policy: &BackoffPolicy, uptime: Duration, last_pause: Duration) -> bool {
    uptime >= policy.stable_after.max(last_pause.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pauses of so many failures in a row, in seconds.
    fn pauses(policy: &BackoffPolicy, count: u32, is_instant: bool) -> Vec<f64> {
        let next = |before: &mut Duration, failures| {
            *before = pause(policy, failures, *before, is_instant);
            Some(before.as_secs_f64())
        };
        (1..=count).scan(Duration::ZERO, next).collect()
    }

    #[test]
    fn the_default_pauses_are_those_of_the_requirement() {
        let policy = BackoffPolicy::default();
        assert_eq!(pauses(&policy, 12, false), [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0, 60.0]);
        assert_eq!(pauses(&policy, 8, true), [0.0, 0.2, 0.8, 3.2, 12.8, 51.2, 60.0, 60.0]);
    }

    #[test]
    fn stability_needs_a_minute_or_twice_the_last_pause() {
        let (policy, seconds) = (BackoffPolicy::default(), Duration::from_secs);
        assert!(!is_stable(&policy, seconds(59), seconds(0)));
        assert!(is_stable(&policy, seconds(60), seconds(30)));
        assert!(!is_stable(&policy, seconds(61), seconds(60)));
        assert!(is_stable(&policy, seconds(120), seconds(60)));
    }

    proptest! {
        #[test]
        fn pauses_grow_and_are_capped(failures in 0_u32..u32::MAX, before in 0_u64..60_000, is_instant: bool) {
            let (policy, before) = (BackoffPolicy::default(), Duration::from_millis(before));
            let next = pause(&policy, failures, before, is_instant);
            prop_assert!(next <= policy.longest && (failures < 2 || next >= before));
        }

        #[test]
        fn jitter_stays_within_a_fifth_and_under_the_cap(plain in 200_u64..60_000, draw: u32) {
            let policy = BackoffPolicy::default();
            let plain = Duration::from_millis(plain);
            let shaken = with_jitter(&policy, plain, draw);
            prop_assert!(shaken >= plain.mul_f64(0.799_999) && shaken <= plain.mul_f64(1.200_001));
            prop_assert!(shaken <= policy.longest);
        }
    }
}
