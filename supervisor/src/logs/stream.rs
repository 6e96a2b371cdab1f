//! The last lines of all logs, and those to come.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};

use super::history::last_entries;
use super::line::Line;
use super::reader::LogReader;
use super::shared_reader::SharedReader;
use super::{Cursor, Entry, Filter};
use crate::directory_watcher::Changes;

/// A follower is told no more often than this: a busy log costs each of them a few writes a second,
/// however many lines it has (R59).
const PACE: Duration = Duration::from_millis(200);

/// Where to begin.
#[derive(Clone, Debug)]
pub(crate) enum From {
    /// With the last lines, so many.
    Last(usize),
    /// Behind what was read before.
    Cursor(Cursor),
}

/// What is needed to go on behind the last line.
pub(crate) struct Follow {
    pub(crate) changes: Changes,
    pub(crate) reader: Arc<SharedReader>,
}

/// Some lines, each with the cursor behind it.
pub(crate) type Update = Vec<Arc<Line>>;

/// Lines as they come, oldest first; without `follow` those that are there. Reads only when it is
/// asked for more. An empty update says that nothing came for a while.
pub(crate) fn updates(
    directory: PathBuf,
    from: From,
    filter: Filter,
    mut follow: Option<Follow>,
    idle: Duration,
) -> impl Stream<Item = Update> {
    async_stream::stream! {
        let (first, place) = (filter.clone(), directory.clone());
        // Nothing behind a cursor was read yet.
        let mut is_begun = matches!(from, From::Last(_));
        let beginning = tokio::task::spawn_blocking(move || begin(&place, from, &first));
        let Ok((reader, mut cursor, entries)) = beginning.await else { return };
        let mut lines = Line::behind(&mut cursor, entries);
        let mut own = Some(reader);
        loop {
            // A read is bounded: only one that finds nothing has read everything.
            let has_read = !lines.is_empty();
            let mut update = lines;
            update.retain(|line| filter.accepts(&line.entry));
            if !update.is_empty() {
                yield update;
            }
            if !has_read && is_begun {
                let Some(Follow { changes, .. }) = &mut follow else { break };
                loop {
                    match tokio::time::timeout(idle, changes.next()).await {
                        Ok(Some(())) => break,
                        Ok(None) => return,
                        Err(_) => yield Vec::new(),
                    }
                }
            } else if has_read && follow.is_some() {
                tokio::time::sleep(PACE).await;
            }
            is_begun = true;
            let shared = match &follow {
                Some(Follow { reader, .. }) => reader.after(&cursor).await,
                None => None,
            };
            if let Some(shared) = shared {
                own = None;
                if let Some(last) = shared.last() {
                    cursor = last.cursor.clone();
                }
                lines = shared;
            } else {
                let (place, from, known) = (directory.clone(), cursor.clone(), own);
                let reading = tokio::task::spawn_blocking(move || read_on(&place, &from, known));
                let Ok((reader, entries)) = reading.await else { return };
                own = Some(reader);
                lines = Line::behind(&mut cursor, entries);
            }
        }
    }
}

/// What comes behind `cursor`, where the reader stands if there is one.
pub(super) fn read_on(directory: &Path, cursor: &Cursor, reader: Option<LogReader>) -> (LogReader, Vec<Entry>) {
    let mut entries = Vec::new();
    let mut reader = reader.unwrap_or_else(|| LogReader::resume(directory, cursor, &mut entries));
    entries.append(&mut reader.read_new());
    (reader, entries)
}

fn begin(directory: &Path, from: From, filter: &Filter) -> (LogReader, Cursor, Vec<Entry>) {
    let mut entries = Vec::new();
    match from {
        From::Cursor(cursor) => {
            let reader = LogReader::resume(directory, &cursor, &mut entries);
            (reader, cursor, entries)
        }
        From::Last(count) => {
            let (last, before) = last_entries(directory, count, filter);
            let mut end = before.clone();
            for entry in &last {
                end.pass(&entry.place);
            }
            // The end of each log, where no line of it is shown.
            let reader = LogReader::resume(directory, &end, &mut entries);
            (reader, before, last)
        }
    }
}
