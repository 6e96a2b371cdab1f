//! The last lines of all logs, and those to come.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};

use super::history::last_entries;
use super::reader::LogReader;
use super::{Cursor, Entry, Filter};
use crate::directory_watcher::Changes;

/// A follower is told no more often than this: a busy log costs each of them a few reads a second,
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

/// Some lines, each with the cursor behind it.
pub(crate) type Update = Vec<(Entry, Cursor)>;

/// Lines as they come, oldest first; without `changes` those that are there. Reads only when it is
/// asked for more. An empty update says that nothing came for a while.
pub(crate) fn updates(
    directory: PathBuf,
    from: From,
    filter: Filter,
    mut changes: Option<Changes>,
    idle: Duration,
) -> impl Stream<Item = Update> {
    async_stream::stream! {
        let first = filter.clone();
        let mut reading = tokio::task::spawn_blocking(move || begin(&directory, from, &first));
        while let Ok((mut reader, mut cursor, entries)) = reading.await {
            // A read is bounded: only one that finds nothing has read everything.
            let must_wait = entries.is_empty();
            let mut update = Vec::with_capacity(entries.len());
            for entry in entries {
                cursor.pass(&entry.place);
                if filter.accepts(&entry) {
                    update.push((entry, cursor.clone()));
                }
            }
            if !update.is_empty() {
                yield update;
            }
            if must_wait {
                let Some(changes) = &mut changes else { break };
                loop {
                    match tokio::time::timeout(idle, changes.next()).await {
                        Ok(Some(())) => break,
                        Ok(None) => return,
                        Err(_) => yield Vec::new(),
                    }
                }
            } else if changes.is_some() {
                tokio::time::sleep(PACE).await;
            }
            reading = tokio::task::spawn_blocking(move || {
                let entries = reader.read_new();
                (reader, cursor, entries)
            });
        }
    }
}

fn begin(directory: &std::path::Path, from: From, filter: &Filter) -> (LogReader, Cursor, Vec<Entry>) {
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
