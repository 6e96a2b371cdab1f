//! The last events on disk: one JSON document a line, in two files of bounded size.
//!
//! Nothing is synced to the disk here: what a power cut takes, a listener that comes back is told as a gap.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anet_protocol::control::SupervisorEvent;

/// A file longer than this becomes the older one, and the one that was so is gone.
const LONGEST: u64 = 1024 * 1024;

/// The two files.
#[derive(Debug)]
pub(crate) struct EventLog {
    newer: PathBuf,
    older: PathBuf,
    longest: u64,
}

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
        Self { newer: directory.join("events.jsonl"), older: directory.join("events.1.jsonl"), longest: LONGEST }
    }

    /// Adds an event. The caller lets in one at a time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn append(&self, event: &SupervisorEvent) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(&self.newer);
        let mut file = open()?;
        if file.metadata()?.len() + line.len() as u64 > self.longest {
            std::fs::rename(&self.newer, &self.older)?;
            file = open()?;
        }
        file.write_all(&line)
    }

    /// Everything after `cursor`; everything there is, with a gap, when the cursor is not known.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub(crate) fn after(&self, cursor: &str) -> io::Result<Past> {
        let mut events = self.read()?;
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
        let mut events = self.read()?;
        let surplus = events.len().saturating_sub(count);
        Ok(Past { has_gap: false, events: events.split_off(surplus) })
    }

    fn read(&self) -> io::Result<Vec<SupervisorEvent>> {
        let mut events = Vec::new();
        for path in [&self.older, &self.newer] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::new(file).lines() {
                // A line that a power cut or a full disk cut off is no event.
                events.extend(serde_json::from_str::<SupervisorEvent>(&line?));
            }
        }
        Ok(events)
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
        let log = EventLog { longest: 1000, ..EventLog::new(directory.path()) };
        (1..=100).for_each(|id| log.append(&event(id)).unwrap());
        let length = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(length(&log.newer) <= 1000 && length(&log.older) <= 1000);
        let last = ids(&log.last(1000).unwrap());
        assert!(last.len() > 5 && last.len() < 100 && last.last() == Some(&100), "{last:?}");
        assert!(last.windows(2).all(|pair| pair[1] == pair[0] + 1), "{last:?}");
        assert!(log.after("7-1").unwrap().has_gap);
        std::fs::write(&log.newer, "{\"id\":101,\n").unwrap();
        assert!(log.last(1000).is_ok());
    }
}
