//! The last events on disk. What a power cut takes of them, a listener that comes back is told as a gap.

use std::io;
use std::path::Path;

use anet_protocol::control::SupervisorEvent;

use crate::line_log::LineLog;

/// How long each of the two files gets, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The two files.
#[derive(Debug)]
pub(crate) struct EventLog(LineLog);

/// What is known of the time after a cursor.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The cursor is not known any more: something may be missing before the first of the events.
    pub(crate) has_gap: bool,
    /// Oldest first.
    pub(crate) events: Vec<SupervisorEvent>,
}

impl EventLog {
    pub(super) fn new(directory: &Path) -> Self {
        Self(LineLog::new(directory, "events", LONGEST))
    }

    /// Adds an event.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn append(&self, event: &SupervisorEvent) -> io::Result<()> {
        self.0.append(event)
    }

    /// Everything after `cursor`; everything there is, with a gap, when the cursor is not known.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub(crate) fn after(&self, cursor: &str) -> io::Result<Past> {
        let mut events = self.0.read::<SupervisorEvent>()?;
        match events.iter().rposition(|event| event.cursor == cursor) {
            Some(position) => Ok(Past { has_gap: false, events: events.split_off(position + 1) }),
            None => Ok(Past { has_gap: true, events }),
        }
    }

    /// The last `count` events.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub(crate) fn last(&self, count: usize) -> io::Result<Past> {
        let mut events = self.0.read::<SupervisorEvent>()?;
        let surplus = events.len().saturating_sub(count);
        Ok(Past { has_gap: false, events: events.split_off(surplus) })
    }
}

#[cfg(test)]
mod tests {
    use anet_protocol::control::{Happening, ProcessState};
    use anet_protocol::time::Timestamp;

    use super::*;

    fn event(id: u64) -> SupervisorEvent {
        SupervisorEvent {
            id,
            cursor: format!("7-{id}"),
            at: Timestamp::from_millis(0),
            name: "a".to_owned(),
            project: None,
            process: ProcessState::Unknown,
            happening: Happening::State,
            by: None,
        }
    }

    fn ids(past: &Past) -> Vec<u64> {
        past.events.iter().map(|event| event.id).collect()
    }

    #[test]
    fn what_came_after_a_cursor_is_told_and_an_unknown_one_is_a_gap() {
        let directory = tempfile::tempdir().unwrap();
        let log = EventLog::new(directory.path());
        assert!(log.after("7-1").unwrap().has_gap);
        (1..=5).for_each(|id| log.append(&event(id)).unwrap());
        let past = log.after("7-3").unwrap();
        assert_eq!((past.has_gap, ids(&past)), (false, vec![4, 5]));
        assert_eq!(ids(&log.after("7-5").unwrap()), [0; 0]);
        let past = log.after("6-3").unwrap();
        assert_eq!((past.has_gap, ids(&past)), (true, vec![1, 2, 3, 4, 5]));
        assert_eq!(ids(&log.last(2).unwrap()), [4, 5]);
    }

    #[test]
    fn the_files_are_bounded_and_a_cut_line_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let log = EventLog(LineLog::new(directory.path(), "events", 1000));
        (1..=100).for_each(|id| log.append(&event(id)).unwrap());
        let length = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(length(&log.0.newer) <= 1000 && length(&log.0.older) <= 1000);
        let last = ids(&log.last(1000).unwrap());
        assert!(last.len() > 5 && last.len() < 100 && last.last() == Some(&100), "{last:?}");
        assert!(last.windows(2).all(|pair| pair[1] == pair[0] + 1), "{last:?}");
        assert!(log.after("7-1").unwrap().has_gap);
        std::fs::write(&log.0.newer, "{\"id\":101,\n").unwrap();
        assert!(log.last(1000).is_ok());
    }
}
