//! The log files of one process: those named `*.log` in its directory, which it writes and rotates
//! itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};

use crate::directory_watcher::Changes;

/// How often a follower looks for new lines where the system does not tell.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// No more is read at once.
const LARGEST_READ: u64 = 1024 * 1024;
/// Longer lines are shown in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// The last `count` lines, and with the changes of the directory those to come. Reads only when a
/// line is asked for.
pub(crate) fn lines(directory: PathBuf, count: usize, mut changes: Option<Changes>) -> impl Stream<Item = String> {
    async_stream::stream! {
        let mut reading = tokio::task::spawn_blocking(move || LogReader::open(&directory, count));
        while let Ok((mut reader, lines)) = reading.await {
            // A read is bounded: only one that finds nothing has read everything.
            let must_wait = lines.is_empty();
            for line in lines {
                yield line;
            }
            let Some(changes) = &mut changes else { break };
            if must_wait && changes.next().await.is_none() {
                break;
            }
            reading = tokio::task::spawn_blocking(move || {
                let lines = reader.read_new();
                (reader, lines)
            });
        }
    }
}

/// Reads the last lines and then whatever is added, across rotations.
struct LogReader {
    directory: PathBuf,
    files: BTreeMap<PathBuf, OpenFile>,
}

/// A file at the place up to which it was read. It stays open while it is renamed.
struct OpenFile {
    file: File,
    inode: u64,
    position: u64,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
}

impl LogReader {
    /// Opens the files of a directory; gives the last `count` lines of the one that was written last.
    fn open(directory: &Path, count: usize) -> (Self, Vec<String>) {
        let mut reader = Self { directory: directory.to_owned(), files: BTreeMap::new() };
        let mut lines = Vec::new();
        let newest = newest(directory);
        for path in log_files(directory) {
            match OpenFile::open(&path) {
                Ok(mut file) => {
                    if newest.as_deref() == Some(&path) {
                        lines = file.last_lines(&path, count);
                    } else {
                        file.position = file.length();
                    }
                    reader.files.insert(path, file);
                }
                Err(error) => tracing::debug!(path = %path.display(), %error, "cannot open a log"),
            }
        }
        (reader, lines)
    }

    /// The complete lines that were written since the last call.
    fn read_new(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for path in log_files(&self.directory) {
            let inode = std::fs::metadata(&path).map_or(0, |metadata| metadata.ino());
            if let Some(known) = self.files.get_mut(&path) {
                known.read_new(&mut lines);
                if known.inode == inode || !known.is_at_end() {
                    continue;
                }
                // Rotated, and the old file is read to its end.
                known.take_partial(&mut lines);
            }
            match OpenFile::open(&path) {
                Ok(mut file) => {
                    file.read_new(&mut lines);
                    self.files.insert(path, file);
                }
                Err(error) => tracing::debug!(path = %path.display(), %error, "cannot open a log"),
            }
        }
        lines
    }
}

impl OpenFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self { file, inode, position: 0, partial: Vec::new() })
    }

    fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    fn is_at_end(&self) -> bool {
        self.position >= self.length()
    }

    /// The last complete lines, and from the file rotated before it if it has too few.
    fn last_lines(&mut self, path: &Path, count: usize) -> Vec<String> {
        self.position = self.length().saturating_sub(LARGEST_READ);
        let begins_inside = self.position > 0;
        let mut lines = Vec::new();
        self.read_new(&mut lines);
        if begins_inside && !lines.is_empty() {
            lines.remove(0);
        }
        if lines.len() < count
            && !begins_inside
            && let Ok(mut older) = Self::open(&rotated(path))
        {
            let mut earlier = Vec::new();
            older.position = older.length().saturating_sub(LARGEST_READ);
            older.read_new(&mut earlier);
            older.take_partial(&mut earlier);
            lines.splice(0..0, earlier);
        }
        let surplus = lines.len().saturating_sub(count);
        lines.split_off(surplus)
    }

    fn read_new(&mut self, lines: &mut Vec<String>) {
        if self.position > self.length() {
            // Emptied in place.
            self.position = 0;
            self.partial.clear();
        }
        let mut bytes = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(self.position))
            .and_then(|_| (&mut self.file).take(LARGEST_READ).read_to_end(&mut bytes));
        if let Err(error) = read {
            tracing::debug!(%error, "cannot read a log");
        }
        self.position += bytes.len() as u64;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial.len() >= LONGEST_LINE {
                self.take_partial(lines);
            }
        }
    }

    fn take_partial(&mut self, lines: &mut Vec<String>) {
        if !self.partial.is_empty() {
            let text = String::from_utf8_lossy(&self.partial);
            lines.push(text.trim_end_matches(['\n', '\r']).to_owned());
            self.partial.clear();
        }
    }
}

/// The name that a log gets at its first rotation.
fn rotated(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

fn log_files(directory: &Path) -> Vec<PathBuf> {
    // No directory means that nothing was ever logged.
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut logs: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "log") && path.is_file()).collect();
    logs.sort();
    logs
}

fn newest(directory: &Path) -> Option<PathBuf> {
    let written = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len() > 0, metadata.modified().ok()?))
    };
    log_files(directory).into_iter().max_by_key(|path| written(path))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::directory_watcher::DirectoryWatcher;
    use crate::directory_watcher::tests::{NEVER, broken_watcher, within_patience};

    fn append(path: &Path, text: &str) {
        File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn the_last_lines_reach_back_over_a_rotation() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&rotated(&log), "1\n2\n");
        append(&log, "3\n4\nunfinished");
        let (mut reader, lines) = LogReader::open(directory.path(), 3);
        assert_eq!(lines, ["2", "3", "4"]);
        append(&log, " business\n");
        assert_eq!(reader.read_new(), ["unfinished business"]);
    }

    #[test]
    fn no_line_is_lost_or_doubled_across_rotation_truncation_and_new_files() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&log, "1\n");
        let (mut reader, lines) = LogReader::open(directory.path(), 0);
        assert!(lines.is_empty());
        append(&log, "2\n");
        std::fs::rename(&log, rotated(&log)).unwrap();
        append(&log, "3\n");
        assert_eq!(reader.read_new(), ["2", "3"]);
        append(&log, "4\n");
        append(&directory.path().join("stderr.log"), "5\n");
        append(&directory.path().join("other.txt"), "no log\n");
        assert_eq!(reader.read_new(), ["4", "5"]);
        File::create(&log).unwrap();
        assert!(reader.read_new().is_empty());
        append(&log, "6\n");
        assert_eq!(reader.read_new(), ["6"]);
        assert!(reader.read_new().is_empty());
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_followed_from_its_first_line() {
        let directory = tempfile::tempdir().unwrap();
        let logs = directory.path().join("logs");
        let (mut reader, lines) = LogReader::open(&logs, 10);
        assert!(lines.is_empty());
        std::fs::create_dir(&logs).unwrap();
        append(&logs.join("node.log"), "first\n");
        assert_eq!(reader.read_new(), ["first"]);
    }

    /// The lines that a follower is shown next.
    async fn next(follower: &mut (impl Stream<Item = String> + Unpin), count: usize) -> Vec<String> {
        within_patience("lines", follower.take(count).collect()).await
    }

    #[tokio::test]
    async fn a_follower_is_told_of_every_line_across_rotations() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&log, "0\n");
        let watcher = Arc::new(DirectoryWatcher::default());
        let changes = watcher.changes(directory.path().to_owned(), NEVER);
        let mut follower = Box::pin(lines(directory.path().to_owned(), 1, Some(changes)));
        assert_eq!(next(&mut follower, 1).await, ["0"]);
        for rotation in 0..3 {
            append(&log, &format!("{rotation} before\n"));
            std::fs::rename(&log, rotated(&log)).unwrap();
            append(&log, &format!("{rotation} after\n"));
            let seen = next(&mut follower, 2).await;
            assert_eq!(seen, [format!("{rotation} before"), format!("{rotation} after")]);
        }
    }

    #[tokio::test]
    async fn more_than_one_read_holds_is_followed_without_a_further_change() {
        let directory = tempfile::tempdir().unwrap();
        let watcher = Arc::new(DirectoryWatcher::default());
        let changes = watcher.changes(directory.path().to_owned(), NEVER);
        let mut follower = Box::pin(lines(directory.path().to_owned(), 1, Some(changes)));
        let count = usize::try_from(3 * LARGEST_READ / 1024).unwrap();
        append(&directory.path().join("first.log"), "listening\n");
        assert_eq!(next(&mut follower, 1).await, ["listening"]);
        // Complete before it has its name, so that one event tells of all of it.
        let staged = directory.path().join("staged");
        append(&staged, &format!("{}\n", "x".repeat(1023)).repeat(count));
        std::fs::rename(&staged, directory.path().join("node.log")).unwrap();
        assert_eq!(next(&mut follower, count).await.len(), count);
    }

    #[tokio::test]
    async fn a_follower_looks_by_itself_where_nothing_can_be_watched() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("node.log");
        append(&log, "1\n");
        let changes = broken_watcher().changes(directory.path().to_owned(), Duration::from_millis(10));
        let mut follower = Box::pin(lines(directory.path().to_owned(), 1, Some(changes)));
        assert_eq!(next(&mut follower, 1).await, ["1"]);
        for line in ["2", "3"] {
            append(&log, &format!("{line}\n"));
            assert_eq!(next(&mut follower, 1).await, [line]);
        }
    }
}
