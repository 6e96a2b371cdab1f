//! Time since boot, which goes on while the machine sleeps and which nobody can set (`CLOCK_BOOTTIME`,
//! clock_getres(2)): all waiting and all measuring of uptime is by it (R10, R66).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BootTime(Duration);

impl BootTime {
    pub(crate) fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
        Self(Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default()))
    }

    /// The moment at this time after the boot.
    pub(crate) fn after_boot(duration: Duration) -> Self {
        Self(duration)
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long ago `earlier` was; nothing when it is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Waits for a moment, once: a machine that slept through it wakes the waiter at once.
pub(crate) async fn sleep_until(moment: BootTime) {
    if BootTime::now() >= moment {
        return;
    }
    if let Err(error) = wait_for_timer(moment).await {
        tracing::warn!(%error, "no timer that counts the machine's sleep; waiting by another");
        tokio::time::sleep(moment.since(BootTime::now())).await;
    }
}

async fn wait_for_timer(moment: BootTime) -> io::Result<()> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let tv_sec = i64::try_from(moment.0.as_secs()).unwrap_or(i64::MAX);
    let once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let it_value = Timespec { tv_sec, tv_nsec: moment.0.subsec_nanos().into() };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval: once, it_value })?;
    readable(timer).await
}

async fn readable(timer: OwnedFd) -> io::Result<()> {
    #[expect(deprecated, reason = "its successor is unsafe for the sake of types that lie, an OwnedFd does not")]
    let timer = AsyncFd::new(timer)?;
    timer.readable().await?.retain_ready();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_moment_is_waited_for_and_one_that_has_passed_is_not() {
        let start = BootTime::now();
        sleep_until(start).await;
        let moment = start.plus(Duration::from_millis(20));
        sleep_until(moment).await;
        assert!(BootTime::now() >= moment);
        assert_eq!(start.since(moment), Duration::ZERO);
    }
}
