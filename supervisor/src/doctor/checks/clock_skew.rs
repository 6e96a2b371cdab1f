use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::ClockReading;
use crate::doctor::finding::Severity;

/// Seconds that matter to nobody: the header has whole seconds, and the answer was under way.
const HARMLESS: i64 = 5;

/// Seconds from which times of both sides cannot be compared any more: leases and tickets last 30 s.
const GRAVE: i64 = 30;

pub(super) const CHECK: Check = Check {
    id: "clock_skew",
    title: "clock",
    finds: "the clock of this machine and the hub's are more than 5 s apart (an error from 30 s on)",
    why: "logins end too early or too late, and the times in logs of both sides cannot be compared",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(clock) = facts.hub.as_ref().and_then(|hub| hub.healthy()?.clock) else { return };
    let apart = apart(clock);
    let side = if apart > 0 { "behind" } else { "ahead of" };
    match apart.abs() {
        0..=HARMLESS => findings.ok((), "it agrees with the hub's"),
        seconds => {
            let seen = format!("it is {seconds} s {side} the hub's");
            let finding = if seconds < GRAVE { findings.warning((), seen) } else { findings.error((), seen) };
            finding.command("timedatectl set-ntp true");
        }
    }
}

/// Seconds by which the hub's clock is ahead of ours, as little as the time under way allows.
fn apart(clock: ClockReading) -> i64 {
    let said = clock.said.as_millis();
    // The header is cut to whole seconds.
    let (asked, answered) = (clock.asked.as_millis() - 1000, clock.answered.as_millis());
    let apart = said - said.clamp(asked.min(answered), answered);
    apart / 1000
}

#[cfg(test)]
mod tests {
    use anet_protocol::time::Timestamp;

    use super::*;

    fn reading(asked: i64, said: i64, answered: i64) -> ClockReading {
        let time = Timestamp::from_millis;
        ClockReading { asked: time(asked), said: time(said), answered: time(answered) }
    }

    #[test]
    fn time_under_way_and_the_cut_second_are_no_skew() {
        assert_eq!(apart(reading(100_900, 100_000, 101_000)), 0);
        assert_eq!(apart(reading(100_000, 105_000, 108_000)), 0);
    }

    #[test]
    fn skew_is_told_with_its_side() {
        assert_eq!(apart(reading(100_000, 160_000, 100_000)), 60);
        assert_eq!(apart(reading(100_000, 39_000, 100_000)), -60);
    }
}
