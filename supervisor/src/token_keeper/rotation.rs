//! When a token that ends is replaced (R50).

use std::time::Duration;

use anet_protocol::rest::TokenLife;
use anet_protocol::time::Timestamp;

/// The part of its life after which a token may be replaced, and after which it must be.
const FROM: f64 = 0.5;
const TO: f64 = 0.8;

/// A moment between 50 and 80 % of the life, by the `draw`, so that a thousand tokens that were made together are not
/// replaced together.
pub(super) fn moment(life: TokenLife, draw: u32) -> Timestamp {
    let fraction = FROM + (TO - FROM) * f64::from(draw) / f64::from(u32::MAX);
    life.made_at.plus(between(life.made_at, life.ends_at).mul_f64(fraction))
}

/// The time from one moment to another; none when it has passed.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.as_millis() - from.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_thousand_tokens_that_were_made_together_are_replaced_over_a_quarter_of_their_life() {
        let life = TokenLife { made_at: Timestamp::from_millis(HOUR), ends_at: Timestamp::from_millis(25 * HOUR) };
        let moments: Vec<i64> =
            (0..1000).map(|number| moment(life, u32::MAX / 999 * number).as_millis() - HOUR).collect();
        let (first, last) = (moments.iter().min().unwrap(), moments.iter().max().unwrap());
        assert!(*first >= 12 * HOUR && *last <= 24 * HOUR * 8 / 10, "{first} {last}");
        assert!(last - first >= 6 * HOUR, "{first} {last}");
        // No hour has more than twice what it would have were all hours of the span alike.
        let mean = 1000 * HOUR / (last - first);
        for hour in 12..20 {
            let count = moments.iter().filter(|moment| **moment / HOUR == hour).count();
            assert!(i64::try_from(count).unwrap() <= 2 * mean, "hour {hour}: {count}");
        }
    }

    #[test]
    fn a_moment_that_has_passed_is_not_waited_for() {
        assert_eq!(between(Timestamp::from_millis(5), Timestamp::from_millis(4)), Duration::ZERO);
        let gone = TokenLife { made_at: Timestamp::from_millis(9), ends_at: Timestamp::from_millis(3) };
        assert_eq!(moment(gone, u32::MAX), gone.made_at);
    }
}
