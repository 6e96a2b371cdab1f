//! Real files, rotated as their writers do it.

mod compressed;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anet_protocol::control::LogStream;
use anet_protocol::time::Timestamp;
use futures_util::{Stream, StreamExt as _};

use super::contents::LARGEST_READ;
use super::history::last_entries;
use super::reader::LogReader;
use super::stream::read_on;
use super::*;
use crate::capture::LOG;
use crate::directory_watcher::tests::{NEVER, broken_watcher, within_patience};
use crate::directory_watcher::{Changes, DirectoryWatcher};
use crate::rotation::tests::compressed;
use crate::rotation::{LogId, LogRotation, numbered};

pub(super) fn append(path: &Path, text: &str) {
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

pub(super) fn rotate(log: &Path) {
    LogRotation::default().rotate(log, 10).unwrap();
}

fn texts(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.text.as_str()).collect()
}

fn last(directory: &Path, count: usize, filter: &Filter) -> Vec<String> {
    last_entries(directory, count, filter).0.into_iter().map(|entry| entry.text).collect()
}

fn reader(directory: &Path) -> LogReader {
    LogReader::resume(directory, &last_entries(directory, 0, &Filter::default()).1, &mut Vec::new())
}

#[test]
fn the_last_lines_reach_back_over_rotations() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("node.log");
    for line in ["1\n2\n", "3\n", "4\n5\nunfinished"] {
        if log.exists() {
            rotate(&log);
        }
        append(&log, line);
    }
    let last = |count| last(directory.path(), count, &Filter::default());
    assert_eq!(last(4), ["2", "3", "4", "5"]);
    assert_eq!(last(100).len(), 5);
    assert!(last(0).is_empty());
    let mut reader = reader(directory.path());
    append(&log, " business\n");
    assert_eq!(texts(&reader.read_new()), ["unfinished business"]);
}

#[test]
fn a_large_log_is_read_backwards_in_blocks_without_losing_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let lines: Vec<_> = (0..60_000).map(|number| format!("line {number} {}", "x".repeat(number % 90))).collect();
    append(&directory.path().join("node.log"), &(lines.join("\n") + "\n"));
    assert_eq!(last(directory.path(), lines.len(), &Filter::default()), lines);
    let filter = Filter::new(None, Some("^line [0-9]00 "), None).unwrap();
    assert_eq!(last(directory.path(), 3, &filter), [&*lines[700], &*lines[800], &*lines[900]]);
}

#[test]
fn logs_are_merged_by_time_and_chosen_by_time_stream_and_pattern() {
    let directory = tempfile::tempdir().unwrap();
    let time = |second: u32| format!("2026-11-22T05:43:{second:02}");
    append(
        &directory.path().join("node.log"),
        &format!("{}.000001Z INFO a\nmore of a\n{}.5Z INFO c\n", time(1), time(3)),
    );
    append(&directory.path().join(LOG), &format!("{}.000Z out 7 b\n{}.000Z err 8 d e\n", time(2), time(4)));
    let shown = |count, since: Option<&str>, grep, stream| {
        let since = since.map(|since| Timestamp::parse(since).unwrap());
        last(directory.path(), count, &Filter::new(since, grep, stream).unwrap())
    };
    let (a, c) = (format!("{}.000001Z INFO a", time(1)), format!("{}.5Z INFO c", time(3)));
    assert_eq!(shown(9, None, None, None), [&a, "more of a", "b", &c, "d e"]);
    assert_eq!(shown(2, None, None, None), [&c, "d e"]);
    assert_eq!(shown(9, None, None, Some(LogStream::Err)), ["d e"]);
    assert_eq!(shown(9, None, Some("^b|e$"), None), ["b", "d e"]);
    assert_eq!(shown(9, Some(&format!("{}Z", time(2))), None, None), ["b", &c, "d e"]);
    assert!(Filter::new(None, Some("("), None).is_err());
    let (entries, _) = last_entries(directory.path(), 1, &Filter::default());
    assert_eq!((entries[0].incarnation, entries[0].at.as_deref()), (Some(8), Some(&*format!("{}.000Z", time(4)))));
}

#[test]
fn no_line_is_lost_or_doubled_across_rotations_truncation_and_new_files() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("node.log");
    append(&log, "1\n");
    let mut reader = reader(directory.path());
    let mut read = || {
        let mut all = Vec::new();
        loop {
            let entries = reader.read_new();
            if entries.is_empty() {
                return all;
            }
            all.extend(entries.into_iter().map(|entry| entry.text));
        }
    };
    append(&log, "2\n");
    rotate(&log);
    append(&log, "3\n");
    rotate(&log);
    append(&log, "4\n");
    assert_eq!(read(), ["2", "3", "4"]);
    append(&log, "5\n");
    append(&directory.path().join("stderr.log"), "6\n");
    append(&directory.path().join("other.txt"), "no log\n");
    assert_eq!(read(), ["5", "6"]);
    File::create(&log).unwrap();
    assert!(read().is_empty());
    append(&log, "7\n");
    assert_eq!(read(), ["7"]);
}

#[test]
fn who_comes_back_with_a_cursor_misses_nothing_and_sees_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("node.log");
    append(&log, "1\n2\n3\n");
    let (entries, mut cursor) = last_entries(directory.path(), 2, &Filter::default());
    cursor.pass(&entries[0].place);
    let cursor: Cursor = cursor.to_string().parse().unwrap();
    rotate(&log);
    append(&log, "4\n");
    let resume = |cursor: &Cursor| {
        let mut all = Vec::new();
        let mut reader = LogReader::resume(directory.path(), cursor, &mut all);
        for _ in 0..5 {
            all.extend(reader.read_new());
        }
        all.into_iter().map(|entry| entry.text).collect::<Vec<_>>()
    };
    assert_eq!(resume(&cursor), ["3", "4"]);
    std::fs::remove_file(numbered(&log, 1)).unwrap();
    let after_a_gap = resume(&cursor);
    assert!(after_a_gap[0].contains("missing") && after_a_gap[1..] == ["4"], "{after_a_gap:?}");
    assert!("node.log:x:1".parse::<Cursor>().is_err() && "nonsense".parse::<Cursor>().is_err());
}

#[test]
fn a_directory_that_is_not_there_yet_is_followed_from_its_first_line() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    let mut reader = reader(&logs);
    std::fs::create_dir(&logs).unwrap();
    append(&logs.join("node.log"), "first\n");
    assert_eq!(texts(&reader.read_new()), ["first"]);
}

/// A follower that is shown text alone.
fn follow(directory: &Path, changes: Changes) -> impl Stream<Item = String> + Unpin {
    let follow = Follow { changes, reader: SharedReaders::default().of(directory, &Arc::default()) };
    let updates = updates(directory.to_owned(), From::Last(1), Filter::default(), Some(follow), NEVER);
    Box::pin(updates.flat_map(futures_util::stream::iter).map(|line| line.entry.text.clone()))
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
    let mut follower = follow(directory.path(), watcher.changes(directory.path().to_owned(), NEVER));
    assert_eq!(next(&mut follower, 1).await, ["0"]);
    for rotation in 0..3 {
        append(&log, &format!("{rotation} before\n"));
        rotate(&log);
        append(&log, &format!("{rotation} after\n"));
        let seen = next(&mut follower, 2).await;
        assert_eq!(seen, [format!("{rotation} before"), format!("{rotation} after")]);
    }
}

#[tokio::test]
async fn more_than_one_read_holds_is_followed_without_a_further_change() {
    let directory = tempfile::tempdir().unwrap();
    let watcher = Arc::new(DirectoryWatcher::default());
    let mut follower = follow(directory.path(), watcher.changes(directory.path().to_owned(), NEVER));
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
    let mut follower = follow(directory.path(), changes);
    assert_eq!(next(&mut follower, 1).await, ["1"]);
    for line in ["2", "3"] {
        append(&log, &format!("{line}\n"));
        assert_eq!(next(&mut follower, 1).await, [line]);
    }
}
