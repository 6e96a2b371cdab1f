use std::time::Duration;

use anet_protocol::Entropy;

use crate::settings::Timing;

/// Waiting times between repetitions: doubling up to a longest one, each ±25 % by chance, so that
/// the nodes of a restarted hub do not all come back in the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(timing: &Timing) -> Self {
        Self::between(timing.backoff_first, timing.backoff_longest)
    }

    pub(crate) fn between(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// Begins again with the first waiting time.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// How long to wait now.
    pub(crate) fn next(&mut self, entropy: &dyn Entropy) -> Duration {
        let planned = self.next;
        self.next = planned.saturating_mul(2).min(self.longest);
        let chance = f64::from(u16::from_le_bytes(entropy.bytes())) / f64::from(u16::MAX);
        planned.mul_f64(0.75 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn seconds(backoff: &mut Backoff, entropy: &dyn Entropy, count: usize) -> Vec<f64> {
        (0..count).map(|_| backoff.next(entropy).as_secs_f64()).collect()
    }

    #[test]
    fn waiting_doubles_up_to_the_longest_and_begins_again_after_a_reset() {
        let mut backoff = Backoff::new(&Timing::default());
        assert_eq!(
            seconds(&mut backoff, &Always(0), 7),
            [0.75, 1.5, 3.0, 6.0, 12.0, 22.5, 22.5],
            "the shortest waits are a quarter below 1, 2, 4, 8, 16, 30, 30"
        );
        backoff.reset();
        assert_eq!(seconds(&mut backoff, &Always(255), 2), [1.25, 2.5], "the longest are a quarter above");
    }
}
