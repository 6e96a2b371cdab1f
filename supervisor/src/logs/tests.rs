//! Real files, rotated as their writers do it.

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

/// Rotates, and compresses what there is then.
fn compress(log: &Path) {
    rotate(log);
    LogRotation::default().compress_now(log);
}

/// A log in three files, the oldest of which has several members; and its lines.
fn compressed_log(directory: &Path) -> (PathBuf, Vec<String>) {
    let log = directory.join("node.log");
    let line =
        |number: usize| format!("2026-11-22T05:43:{:02}.5Z line {number} {}", number / 500, "x".repeat(number % 90));
    let lines: Vec<_> = (0..29_000).map(line).collect();
    append(&log, &(lines[..27_000].join("\n") + "\n"));
    compress(&log);
    append(&log, &(lines[27_000..28_000].join("\n") + "\n"));
    compress(&log);
    append(&log, &(lines[28_000..].join("\n") + "\n"));
    (log, lines)
}

/// Everything behind the cursor.
fn all_behind(directory: &Path, cursor: &Cursor) -> Vec<String> {
    let mut entries = Vec::new();
    let mut reader = LogReader::resume(directory, cursor, &mut entries);
    loop {
        let new = reader.read_new();
        if new.is_empty() {
            return entries.into_iter().map(|entry| entry.text).collect();
        }
        entries.extend(new);
    }
}

#[test]
fn compressed_logs_are_read_like_others() {
    let directory = tempfile::tempdir().unwrap();
    let (log, lines) = compressed_log(directory.path());
    assert!(compressed(&log, 1).exists() && compressed(&log, 2).exists() && !numbered(&log, 1).exists());
    for count in [1, 999, 1000, 1001, 2000, 2001, 12_000, lines.len(), lines.len() + 1] {
        let expected = &lines[lines.len().saturating_sub(count)..];
        assert_eq!(last(directory.path(), count, &Filter::default()), expected, "{count}");
    }
    let since = Timestamp::parse("2026-11-22T05:43:57Z").unwrap();
    let filter = Filter::new(Some(since), Some("line [0-9]*00 "), None).unwrap();
    let expected: Vec<_> = (28_500..29_000).step_by(100).map(|number| lines[number].clone()).collect();
    assert_eq!(last(directory.path(), 100, &filter), expected);
}

#[test]
fn a_cursor_goes_on_in_a_log_that_was_compressed_since() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("node.log");
    let lines: Vec<_> = (0..30_000).map(|number| format!("line {number} {}", "x".repeat(number % 90))).collect();
    let mut cursors = Vec::new();
    for (index, part) in lines.chunks(10_000).enumerate() {
        append(&log, &(part.join("\n") + "\n"));
        for back in [1, 2, 9_999] {
            let (entries, mut cursor) = last_entries(directory.path(), back, &Filter::default());
            cursor.pass(&entries[0].place);
            cursors.push(((index + 1) * 10_000 - back + 1, cursor.to_string()));
        }
        if index < 2 {
            rotate(&log);
        }
    }
    let reader = &mut Vec::new();
    let mut open = LogReader::resume(directory.path(), &cursors[0].1.parse().unwrap(), reader);
    let mut followed = open.read_new();
    LogRotation::default().compress_now(&log);
    for (next, cursor) in &cursors {
        assert_eq!(all_behind(directory.path(), &cursor.parse().unwrap()), lines[*next..], "behind {cursor}");
    }
    // As does one that had the file open meanwhile.
    loop {
        let new = open.read_new();
        if new.is_empty() {
            break;
        }
        followed.extend(new);
    }
    assert_eq!(texts(&followed), lines[cursors[0].0..]);
    // A cursor of an older version knows the inode alone, which may be another file's by now.
    let older: Cursor = format!("node.log:{}:0", std::fs::metadata(&log).unwrap().ino()).parse().unwrap();
    assert_eq!(all_behind(directory.path(), &older).last(), lines.last());
}

#[test]
fn a_file_that_got_the_inode_of_a_compressed_one_is_not_taken_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("node.log");
    append(&log, "1\n2\n");
    let (entries, mut cursor) = last_entries(directory.path(), 2, &Filter::default());
    cursor.pass(&entries[0].place);
    compress(&log);
    append(&log, "3\n4\n");
    let now = std::fs::metadata(&log).unwrap().ino();
    let position = cursor.0.values_mut().next().unwrap();
    if LogId::of(&std::fs::metadata(&log).unwrap()).to_string().contains('.') {
        // The file system may give the number again by itself; here it is certain that it did.
        let born = position.id.to_string().split_once('.').unwrap().1.to_owned();
        let reused: LogId = format!("{now}.{born}").parse().unwrap();
        assert!(!reused.is(crate::rotation::id_of(&log).unwrap()), "both were born at the same time");
    }
    assert_eq!(all_behind(directory.path(), &cursor), ["2", "3", "4"]);
}

/// Makes a file in a later tick of the file system's clock than any before: one that got the number of an inode which
/// was deleted in the same tick would be taken for that one. Logs are not filled, compressed and deleted that fast.
fn append_new(path: &Path, text: &str) {
    let born = || std::fs::metadata(path).unwrap().created().ok();
    append(path, "");
    let first = born();
    while first.is_some() && born() == first {
        std::fs::remove_file(path).unwrap();
        append(path, "");
    }
    append(path, text);
}

#[test]
fn whoever_reads_while_logs_are_rotated_and_compressed_sees_each_line_once() {
    const LOGS: usize = 30;
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("node.log");
    let text = |number: usize| (0..100).map(|line| format!("{number} {line}\n")).collect::<Vec<_>>().concat();
    let lines: Vec<_> =
        (0..LOGS).flat_map(|number| text(number).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    append(&log, &text(0));
    let start = last_entries(directory.path(), 100, &Filter::default()).1;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let rotation = LogRotation::default();
            for number in 1..LOGS {
                rotation.rotate(&log, 50).unwrap();
                // Complete before it has its name.
                append_new(&directory.path().join("staged"), &text(number));
                std::fs::rename(directory.path().join("staged"), &log).unwrap();
                rotation.compress_now(&log);
            }
        });
        let mut cursor = start.clone();
        let mut seen = Vec::new();
        while !writer.is_finished() {
            // A reader of its own each time.
            let (_, entries) = read_on(directory.path(), &cursor, None);
            for entry in entries {
                cursor.pass(&entry.place);
                seen.push(entry.text);
            }
            let last = last(directory.path(), 250, &Filter::default());
            let at = lines.iter().position(|line| Some(line) == last.first());
            assert!(last.is_empty() || lines[at.unwrap()..].starts_with(&last), "a hole in {last:?}");
        }
        writer.join().unwrap();
        seen.extend(all_behind(directory.path(), &cursor));
        assert_eq!(seen, lines);
    });
}

/// What befalls the bytes of a file.
type Damage = fn(&mut Vec<u8>);

#[test]
fn of_a_damaged_compressed_log_the_rest_is_shown_and_a_line_says_so() {
    let damage: [(&str, Damage, bool); 4] = [
        ("a byte", |bytes| bytes[5000] ^= 0x40, true),
        ("its end", |bytes| bytes.truncate(bytes.len() - 1), true),
        ("its beginning", |bytes| bytes[0] = 0, false),
        ("all of it", |bytes| *bytes = b"this is not a compressed log".to_vec(), false),
    ];
    for (what, damage, is_some_of_it_left) in damage {
        let directory = tempfile::tempdir().unwrap();
        let (log, lines) = compressed_log(directory.path());
        let cursor = last_entries(directory.path(), 100_000, &Filter::default()).1;
        let file = compressed(&log, 2);
        let mut bytes = std::fs::read(&file).unwrap();
        damage(&mut bytes);
        std::fs::write(&file, &bytes).unwrap();
        let shown = last(directory.path(), 100_000, &Filter::default());
        let notices: Vec<_> = shown.iter().filter(|line| line.starts_with('…')).collect();
        assert!(notices.len() == 1 && notices[0].ends_with("node.log.2.gz is damaged"), "{what}: {notices:?}");
        let kept: Vec<_> = shown.iter().filter(|line| !line.starts_with('…')).collect();
        assert_eq!(kept[kept.len() - 2000..], lines[27_000..].iter().collect::<Vec<_>>(), "{what}");
        assert_eq!(kept.len() > 2000, is_some_of_it_left, "{what}");
        assert!(kept.iter().all(|line| line.starts_with("2026-") && line.contains("Z line ")), "{what}: no half line");
        // Forward, and where only some lines are wanted.
        let forward = all_behind(directory.path(), &cursor);
        assert_eq!(forward.iter().filter(|line| line.starts_with('…')).count(), 1, "{what}: {:?}", &forward[..2]);
        assert_eq!(forward[forward.len() - 2000..], lines[27_000..], "{what}");
        let filter = Filter::new(None, Some("line 28000 "), None).unwrap();
        let found = last(directory.path(), 9, &filter);
        assert!(found.len() == 2 && found[0].starts_with('…') && found[1] == lines[28_000], "{what}: {found:?}");
    }
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
