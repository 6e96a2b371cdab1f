//! When a repair that failed is tried again (R47).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
const JITTER: f64 = 0.5;
const HOUR: Duration = Duration::from_secs(3600);

/// R47 grants a node 20 requests in the first hour and 12 in each later one. The node itself makes up to 5 and 2 of them
/// (`agent-node/src/link.rs`).
const IN_FIRST_HOUR: u32 = 15;
const LATER: u32 = 10;
/// What the dearest attempt takes: look, log in, find, mint, verify, list, revoke.
const DEAREST: u32 = 7;

/// How often and how lately a repair has failed.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    failures: u32,
    began: Option<Instant>,
    spent: VecDeque<(Instant, u32)>,
}

impl Schedule {
    /// Everything is forgotten: it worked, or a person has changed what was wrong.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// How long to wait after an attempt of `now` that took so many requests: 1 s, then double, up to 5 min, each ±50 %
    /// by the `draw`; at least as long as the hub asks; and until the requests of an hour suffice for another attempt.
    pub(super) fn next(&mut self, now: Instant, requests: u32, retry_after: Option<Duration>, draw: u32) -> Duration {
        let began = *self.began.get_or_insert(now);
        self.spent.push_back((now, requests));
        while self.spent.front().is_some_and(|(at, _)| now.duration_since(*at) >= HOUR) {
            self.spent.pop_front();
        }
        let doubled = FIRST.saturating_mul(2_u32.checked_pow(self.failures).unwrap_or(u32::MAX)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let direction = f64::from(draw) / f64::from(u32::MAX) * 2.0 - 1.0;
        let pause = doubled.mul_f64(1.0 + JITTER * direction);
        pause.max(retry_after.unwrap_or_default()).max(self.until_affordable(began, now))
    }

    fn until_affordable(&self, began: Instant, now: Instant) -> Duration {
        let limit = if now.duration_since(began) < HOUR { IN_FIRST_HOUR } else { LATER };
        let mut left: u32 = self.spent.iter().map(|(_, requests)| requests).sum();
        let mut wait = Duration::ZERO;
        for (at, requests) in &self.spent {
            if left + DEAREST <= limit {
                break;
            }
            left -= requests;
            wait = (*at + HOUR).duration_since(now);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The requests of each hour, when every attempt fails and takes `requests`.
    fn by_hour(requests: u32, draw: u32) -> Vec<u32> {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        let (mut now, mut hours) = (start, vec![0; 6]);
        while now.duration_since(start) < HOUR * 6 {
            hours[usize::try_from(now.duration_since(start).as_secs() / 3600).unwrap()] += requests;
            now += schedule.next(now, requests, None, draw);
        }
        hours
    }

    #[test]
    fn pauses_double_from_a_second_to_five_minutes() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let middle = u32::MAX / 2;
        let half = Duration::from_millis(500);
        let seconds: Vec<u64> = (0..11).map(|_| (schedule.next(now, 0, None, middle) + half).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        schedule.reset();
        assert_eq!(schedule.next(now, 0, None, 0), Duration::from_millis(500));
        assert_eq!(schedule.next(now, 0, None, u32::MAX), Duration::from_secs(3));
    }

    #[test]
    fn a_hub_that_asks_for_time_gets_it() {
        let mut schedule = Schedule::default();
        let asked = Duration::from_secs(77);
        assert_eq!(schedule.next(Instant::now(), 1, Some(asked), 0), asked);
    }

    #[test]
    fn a_token_that_stays_dead_costs_the_hub_few_requests() {
        for requests in 1..=DEAREST {
            let hours = by_hour(requests, u32::MAX / 2);
            assert!(hours[0] <= IN_FIRST_HOUR && hours[0] >= requests, "{requests}: {hours:?}");
            assert!(hours[1..].iter().all(|hour| *hour <= IN_FIRST_HOUR.max(LATER)), "{requests}: {hours:?}");
            assert!(hours[2..].iter().all(|hour| (requests..=LATER).contains(hour)), "{requests}: {hours:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_chance_says_the_first_hour_costs_at_most_its_share(requests in 1..=DEAREST, draw: u32) {
            prop_assert!(by_hour(requests, draw)[0] <= IN_FIRST_HOUR);
        }
    }
}
