//! A mark that a process does not lose with its environment, its session or its parents: the soft limit of
//! `RLIMIT_RTTIME`, which every descendant inherits. It bounds the processor time of real-time threads in
//! microseconds; a value of this size is thousands of years, so that nothing feels it (getrlimit(2)).

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Set in every mark, so that a limit somebody else chose is not taken for one.
const FLAG: u64 = 1 << 62;
/// How the line of the limit begins in `/proc/<pid>/limits`.
const LINE: &str = "Max realtime timeout";

/// The mark of one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResourceMark(u64);

impl ResourceMark {
    /// The mark that goes with an `ANET_INSTANCE_ID`; `None` for one that was not drawn by this program.
    pub(crate) fn of(instance: &str) -> Option<Self> {
        let number = u64::from_str_radix(instance.strip_prefix("i_")?, 16).ok()?;
        Some(Self(FLAG | (number & (FLAG - 1))))
    }

    /// Reads it from the text of `/proc/<pid>/limits` (proc_pid_limits(5)).
    pub(crate) fn find(limits: &str) -> Option<Self> {
        let line = limits.lines().find_map(|line| line.strip_prefix(LINE))?;
        let soft: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        (soft & FLAG != 0 && soft < FLAG << 1).then_some(Self(soft))
    }

    /// Marks this process and what descends from it. Async-signal-safe.
    ///
    /// # Errors
    /// When the kernel refuses, but not where the hard limit leaves no room for a mark.
    pub(super) fn take(self) -> Result<(), Errno> {
        let limit = getrlimit(Resource::Rttime);
        if limit.maximum.is_some_and(|maximum| maximum < self.0) {
            return Ok(());
        }
        setrlimit(Resource::Rttime, Rlimit { current: Some(self.0), ..limit })
    }

    /// Takes the mark of somebody else's start from this process. Async-signal-safe.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn drop_own() -> Result<(), Errno> {
        let limit = getrlimit(Resource::Rttime);
        if limit.current.is_some_and(|soft| soft & FLAG != 0) {
            setrlimit(Resource::Rttime, Rlimit { current: limit.maximum, ..limit })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_back_and_other_limits_are_none() {
        let mark = ResourceMark::of("i_0123456789abcdef").unwrap();
        let text = |soft: &str| {
            format!("Limit   Soft Limit  Hard Limit  Units\nMax realtime timeout      {soft}  unlimited  us\n")
        };
        assert_eq!(ResourceMark::find(&text(&mark.0.to_string())), Some(mark));
        assert_ne!(ResourceMark::of("i_0123456789abcdee"), Some(mark));
        for other in ["unlimited", "200000", &u64::MAX.to_string()] {
            assert_eq!(ResourceMark::find(&text(other)), None, "{other}");
        }
        assert_eq!(ResourceMark::of("i_x"), None);
    }
}
