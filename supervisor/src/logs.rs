//! The logs of one process: those named `*.log` in its directory, merged by time, across rotations.

mod contents;
mod cursor;
mod entry;
mod filter;
mod history;
pub(crate) mod last_words;
mod line;
mod open_file;
mod reader;
mod shared_reader;
mod stream;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use cursor::Cursor;
pub(crate) use entry::Entry;
pub(crate) use filter::Filter;
pub(crate) use line::Line;
pub(crate) use shared_reader::SharedReaders;
pub(crate) use stream::{Follow, From, Update, updates};

/// How often a follower looks for new lines where the system does not tell.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The logs that are written now.
fn log_files(directory: &Path) -> Vec<PathBuf> {
    // No directory means that nothing was ever logged.
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut logs: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "log") && path.is_file()).collect();
    logs.sort();
    logs
}

/// Those that were rotated away and are still there, newest first.
fn rotated(log: &Path) -> impl Iterator<Item = PathBuf> {
    crate::rotation::older(log).into_iter().map(|older| older.path)
}
