//! How long to wait before the next start.

use std::time::Duration;

use crate::policy::BackoffPolicy;

/// The pause before the start that follows the `failures`-th failure in a row, before jitter.
pub(crate) fn pause(policy: &BackoffPolicy, failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    policy.first.saturating_mul(factor).min(policy.longest)
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

    #[test]
    fn the_default_pauses_are_those_of_the_requirement() {
        let policy = BackoffPolicy::default();
        let seconds: Vec<f64> = (1..=12).map(|failures| pause(&policy, failures).as_secs_f64()).collect();
        assert_eq!(seconds, [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0, 60.0]);
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
        fn pauses_grow_and_are_capped(failures in 0_u32..u32::MAX) {
            let policy = BackoffPolicy::default();
            let (this, next) = (pause(&policy, failures), pause(&policy, failures + 1));
            prop_assert!(this <= next && next <= policy.longest);
        }

        #[test]
        fn jitter_stays_within_a_fifth_and_under_the_cap(failures in 2_u32..40, draw: u32) {
            let policy = BackoffPolicy::default();
            let plain = pause(&policy, failures);
            let shaken = with_jitter(&policy, plain, draw);
            prop_assert!(shaken >= plain.mul_f64(0.799_999) && shaken <= plain.mul_f64(1.200_001));
            prop_assert!(shaken <= policy.longest);
        }
    }
}
