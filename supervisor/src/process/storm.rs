//! When many fail together, because of something that they share, they are not all started again together (R14).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::system::boot_time::BootTime;

/// Failures within this time count as together.
const WINDOW: Duration = Duration::from_secs(10);
/// More than this part of all processes failing together is a storm: 3 of 10.
const PART: (usize, usize) = (3, 10);
/// Fewer failures than this are no storm, whatever part they are.
const FEWEST: usize = 10;
/// The pause between two starts in a storm: ten in a second.
const SPACING: Duration = Duration::from_millis(100);

/// The failures of all processes of a supervisor.
#[derive(Debug, Default)]
pub(crate) struct Storm {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    population: usize,
    /// When, and which.
    failures: VecDeque<(BootTime, u64)>,
    /// The first moment that no start has taken.
    free: Option<BootTime>,
}

impl Storm {
    /// One more process may fail from now on; its number.
    pub(crate) fn enter(&self) -> u64 {
        let mut inner = self.lock();
        inner.population += 1;
        inner.population as u64
    }

    /// Counts a failure of the process with this number, and gives the moment before which it must not be started
    /// again; `wanted` is when it would be.
    pub(crate) fn failed(&self, number: u64, now: BootTime, wanted: BootTime) -> BootTime {
        let mut inner = self.lock();
        inner.failures.retain(|(at, which)| now.since(*at) < WINDOW && *which != number);
        inner.failures.push_back((now, number));
        let count = inner.failures.len();
        if count < FEWEST || count * PART.1 <= inner.population * PART.0 {
            return wanted;
        }
        let moment = inner.free.map_or(wanted, |free| free.max(wanted));
        inner.free = Some(moment.plus(SPACING));
        moment
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storm_of(population: u64) -> Storm {
        let storm = Storm::default();
        for number in 1..=population {
            assert_eq!(storm.enter(), number);
        }
        storm
    }

    #[test]
    fn a_few_failures_delay_nobody() {
        let (storm, now) = (storm_of(100), BootTime::now());
        for number in 1..=30 {
            assert_eq!(storm.failed(number, now, now), now);
        }
        // The same process again and again is one failure.
        let storm = storm_of(12);
        for _ in 0..100 {
            assert_eq!(storm.failed(1, now, now), now);
        }
    }

    #[test]
    fn of_a_hundred_that_fail_together_ten_are_started_in_a_second() {
        let (storm, now) = (storm_of(100), BootTime::now());
        let mut moments: Vec<BootTime> = (1..=100).map(|number| storm.failed(number, now, now)).collect();
        // The first thirty could not know of the others.
        moments.drain(..30);
        for (index, moment) in moments.iter().enumerate() {
            assert_eq!(moment.since(now), SPACING * u32::try_from(index).unwrap());
        }
    }

    #[test]
    fn after_the_storm_nothing_is_delayed() {
        let (storm, now) = (storm_of(10), BootTime::now());
        for number in 1..=10 {
            storm.failed(number, now, now);
        }
        let later = now.plus(Duration::from_secs(11));
        assert_eq!(storm.failed(1, later, later), later);
    }
}
