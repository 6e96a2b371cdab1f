//! Logs that were compressed are read like others, also while they are.

use super::*;

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
