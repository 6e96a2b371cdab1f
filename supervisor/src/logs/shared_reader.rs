//! One reader for all who follow the same logs (R59): each line is read and rendered once, however many there are.
//!
//! It keeps the lines that it read last. A follower asks for what comes behind its cursor. One that has fallen behind
//! what is kept, or whose cursor is none of those passed here, is told so, and reads by itself until the two meet.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anet_protocol::redaction::Redactor;

use super::line::Line;
use super::reader::LogReader;
use super::stream::read_on;
use super::{Cursor, Entry};

/// Bytes of text that are kept for followers that come later; the last reading is kept whatever its length.
const KEPT: usize = 2 * 1024 * 1024;

/// The readers that somebody follows.
#[derive(Debug, Default)]
pub(crate) struct SharedReaders(Mutex<Vec<Weak<SharedReader>>>);

impl SharedReaders {
    /// The reader of a directory for those who are shown it without the same secrets.
    pub(crate) fn of(&self, directory: &Path, redactor: &Arc<Redactor>) -> Arc<SharedReader> {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.strong_count() > 0);
        let mut living = readers.iter().filter_map(Weak::upgrade);
        if let Some(reader) = living.find(|reader| reader.directory == directory && reader.redactor == *redactor) {
            return reader;
        }
        let reader = Arc::new(SharedReader {
            directory: directory.to_owned(),
            redactor: Arc::clone(redactor),
            progress: tokio::sync::Mutex::default(),
        });
        readers.push(Arc::downgrade(&reader));
        reader
    }
}

/// Reads for all who follow a directory's logs.
#[derive(Debug)]
pub(crate) struct SharedReader {
    directory: PathBuf,
    redactor: Arc<Redactor>,
    progress: tokio::sync::Mutex<Progress>,
}

/// How far it is.
#[derive(Debug, Default)]
struct Progress {
    /// Absent before the first reading, while one is under way, and after one that was given up.
    reader: Option<LogReader>,
    /// Behind the last line of `batches`.
    end: Cursor,
    /// What was read, oldest first; each begins where the one before ends.
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    from: Cursor,
    lines: Vec<Arc<Line>>,
    length: usize,
}

impl SharedReader {
    /// The lines behind `cursor`, none when nothing was written since; `None` when it has passed no such place.
    pub(super) async fn after(&self, cursor: &Cursor) -> Option<Vec<Arc<Line>>> {
        // Whoever comes while another reads wants what that one finds.
        let mut progress = self.progress.lock().await;
        if let Some(lines) = progress.kept_after(cursor) {
            return Some(lines);
        }
        let known = progress.reader.take();
        if known.is_none() {
            (progress.end, progress.batches) = (cursor.clone(), VecDeque::new());
        }
        let is_at_end = progress.end == *cursor;
        let (directory, from) = (self.directory.clone(), progress.end.clone());
        let reading = tokio::task::spawn_blocking(move || read_on(&directory, &from, known));
        let (reader, entries) = reading.await.ok()?;
        progress.reader = Some(reader);
        progress.add(entries);
        if is_at_end { Some(progress.kept_after(cursor).unwrap_or_default()) } else { progress.kept_after(cursor) }
    }
}

impl Progress {
    /// Everything kept behind `cursor`; `None` where nothing is, or it is not there.
    fn kept_after(&self, cursor: &Cursor) -> Option<Vec<Arc<Line>>> {
        let from_start = self.batches.iter().position(|batch| batch.from == *cursor).map(|batch| (batch, 0));
        let (first, skipped) = from_start.or_else(|| self.find_inside(cursor))?;
        let lines: Vec<_> = self.batches.iter().skip(first).flat_map(|batch| &batch.lines).skip(skipped).collect();
        (!lines.is_empty()).then(|| lines.into_iter().cloned().collect())
    }

    /// The batch that has a line behind which `cursor` is, and how many of its lines are before that.
    fn find_inside(&self, cursor: &Cursor) -> Option<(usize, usize)> {
        self.batches.iter().enumerate().find_map(|(index, batch)| {
            let line = batch.lines.iter().position(|line| line.cursor == *cursor)?;
            Some((index, line + 1))
        })
    }

    fn add(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let from = self.end.clone();
        let length = entries.iter().map(|entry| entry.text.len()).sum();
        self.batches.push_back(Batch { from, lines: Line::behind(&mut self.end, entries), length });
        let mut kept: usize = self.batches.iter().map(|batch| batch.length).sum();
        while kept > KEPT
            && self.batches.len() > 1
            && let Some(oldest) = self.batches.pop_front()
        {
            kept -= oldest.length;
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::history::last_entries;
    use super::super::tests::{append, rotate};
    use super::super::{Filter, log_files};
    use super::*;

    fn cursor(directory: &Path) -> Cursor {
        last_entries(directory, 0, &Filter::default()).1
    }

    fn texts(lines: &[Arc<Line>]) -> Vec<String> {
        lines.iter().map(|line| line.entry.text.clone()).collect()
    }

    #[tokio::test]
    async fn a_line_is_read_and_rendered_once_for_all_who_follow() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&log, "0\n");
        let (readers, redactor) = (SharedReaders::default(), Arc::default());
        let reader = readers.of(directory.path(), &redactor);
        assert!(Arc::ptr_eq(&reader, &readers.of(directory.path(), &Arc::default())));
        let start = cursor(directory.path());
        assert!(reader.after(&start).await.unwrap().is_empty());
        append(&log, "1\n2\n");
        let mut rendered = 0;
        for _ in 0..100 {
            for line in reader.after(&start).await.unwrap() {
                line.frame(|line| {
                    rendered += 1;
                    line.entry.text.clone()
                });
            }
        }
        assert_eq!(rendered, 2);
    }

    #[test]
    fn what_is_shown_with_other_secrets_masked_is_read_apart() {
        let readers = SharedReaders::default();
        let redactor = |secret: &str| Arc::new(Redactor::new([SecretString::from(secret)]));
        let reader = readers.of(Path::new("/a"), &redactor("correct horse"));
        assert!(!Arc::ptr_eq(&reader, &readers.of(Path::new("/a"), &redactor("battery staple"))));
        assert!(!Arc::ptr_eq(&reader, &readers.of(Path::new("/b"), &redactor("correct horse"))));
        assert!(Arc::ptr_eq(&reader, &readers.of(Path::new("/a"), &redactor("correct horse"))));
    }

    #[tokio::test]
    async fn whoever_joins_behind_any_line_sees_each_later_line_once_across_rotations() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&log, "0\n");
        let reader = SharedReaders::default().of(directory.path(), &Arc::default());
        let mut place = cursor(directory.path());
        let (mut all, mut places) = (Vec::new(), vec![place.clone()]);
        for round in 0..4 {
            append(&log, &format!("{round} a\n{round} b\n{round} c, and"));
            append(&directory.path().join("other.log"), &format!("{round} of the other\n"));
            append(&log, " the rest\n");
            rotate(&log);
            append(&log, &format!("{round} d\n"));
            loop {
                let lines = reader.after(&place).await.unwrap();
                let Some(last) = lines.last() else { break };
                place = last.cursor.clone();
                places.extend(lines.iter().map(|line| line.cursor.clone()));
                all.extend(texts(&lines));
            }
        }
        assert_eq!((all.len(), log_files(directory.path()).len()), (4 * 5, 2));
        let last = places.pop().unwrap();
        for (index, place) in places.iter().enumerate() {
            assert_eq!(texts(&reader.after(place).await.unwrap()), all[index..], "behind line {index}");
        }
        assert!(reader.after(&last).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn whoever_is_elsewhere_is_told_and_meets_the_others_again() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&log, "0\n");
        let reader = SharedReaders::default().of(directory.path(), &Arc::default());
        let slow = cursor(directory.path());
        let mut quick = slow.clone();
        for _ in 0..4 {
            append(&log, &format!("{}\n", "x".repeat(1023)).repeat(1000));
            while let Some(last) = reader.after(&quick).await.unwrap().last() {
                quick = last.cursor.clone();
            }
        }
        assert!(reader.after(&slow).await.is_none(), "what it wants is kept no longer");
        let mut own = None;
        let mut place = slow;
        let mut count = 0;
        loop {
            if let Some(shared) = reader.after(&place).await {
                assert_eq!(count + shared.len(), 4000, "a line was lost or doubled");
                break;
            }
            let (now, entries) = read_on(directory.path(), &place, own.take());
            own = Some(now);
            count += Line::behind(&mut place, entries).len();
        }
        assert!(count < 4000, "they never met");
    }
}
