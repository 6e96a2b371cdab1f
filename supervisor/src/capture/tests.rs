//! Real files; the writer is the test.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anet_protocol::time::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;
use tempfile::TempDir;

use super::reading::{KEPT_OF_BACKLOG, LARGEST_BACKLOG};
use super::*;
use crate::rotation::numbered;
use crate::rotation::tests::{compressed, whole};

const SECRET: &str = "correct horse battery";
const LIMITS: LogLimits = LogLimits { max_bytes: 10 << 20, files: 5 };

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_326_235_417)
    }
}

fn collector(directory: &TempDir) -> Collector {
    Collector::new(directory.path().join("logs"), Arc::new(Noon), LogRotation::default())
}

fn redactor() -> Redactor {
    Redactor::new([SecretString::from(SECRET)])
}

fn open(collector: &mut Collector, limits: LogLimits) -> Outputs {
    std::fs::create_dir_all(collector.unread()).unwrap();
    collector.open(0, redactor(), limits).unwrap()
}

/// Until there is nothing left.
fn collect(collector: &mut Collector, ends_lines: bool) {
    while collector.step(ends_lines).unwrap().is_more {}
}

/// The log and those rotated before it, oldest first, without the times.
fn kept(directory: &TempDir) -> Vec<String> {
    let text = whole(&directory.path().join("logs").join(LOG));
    text.lines().map(|line| line.strip_prefix("2026-11-22T05:43:55.417Z ").unwrap().to_owned()).collect()
}

fn unread(directory: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path().join("logs/unread")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn lines_are_kept_with_time_stream_and_start_and_half_lines_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut first = open(&mut collector, LIMITS);
    write!(first.out, "one\ntwo").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory), ["out 1 one"]);
    writeln!(first.out, " halves").unwrap();
    write!(first.err, "last wor").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory)[1..], ["out 1 two halves"]);
    collector.end_current();
    collect(&mut collector, true);
    assert_eq!(kept(&directory)[2..], ["err 1 last wor"]);
    assert_eq!(unread(&directory), ["position"]);
    let mut second = open(&mut collector, LIMITS);
    writeln!(second.err, "again").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory)[3..], ["err 2 again"]);
    for file in [LOG, "unread/position", "unread/2.out", "unread/2.err"] {
        let mode = std::fs::metadata(directory.path().join("logs").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn what_an_earlier_start_wrote_comes_before_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut first = open(&mut collector, LIMITS);
    let mut second = open(&mut collector, LIMITS);
    writeln!(second.out, "later").unwrap();
    writeln!(first.err, "earlier").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory), ["err 1 earlier", "out 2 later"]);
    assert_eq!(unread(&directory), ["2.err", "2.out", "position"]);
}

#[test]
fn of_a_next_start_nothing_is_kept_before_the_whole_rest_of_the_earlier_one() {
    // More than one step takes.
    const LINES: usize = 3 << 20;
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut first = open(&mut collector, LIMITS);
    let mut second = open(&mut collector, LIMITS);
    let line = format!("{}\n", "x".repeat(1023));
    first.out.write_all(line.repeat(LINES / line.len()).as_bytes()).unwrap();
    writeln!(second.out, "later").unwrap();
    collect(&mut collector, false);
    let kept = kept(&directory);
    assert_eq!(kept.len(), LINES / line.len() + 1);
    assert_eq!(kept.iter().position(|line| line == "out 2 later"), Some(kept.len() - 1));
}

#[test]
fn a_link_in_the_place_of_a_file_of_output_is_neither_read_nor_written() {
    const THEIRS: &str = "theirs\n";
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    std::fs::write(&other, THEIRS).unwrap();
    let logs = directory.path().join("logs");
    let put_link = |path: &Path| {
        std::fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink(&other, path).unwrap();
    };
    let mut collector = collector(&directory);
    let mut outputs = open(&mut collector, LIMITS);
    writeln!(outputs.err, "mine").unwrap();
    let raw = logs.join("unread/1.out");
    put_link(&raw);
    collector.step(false).unwrap_err();
    std::fs::remove_file(&raw).unwrap();
    put_link(&logs.join(LOG));
    collector.step(false).unwrap_err();
    assert_eq!(std::fs::read_to_string(&other).unwrap(), THEIRS);
    std::fs::remove_file(logs.join(LOG)).unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory), ["err 1 mine"], "the link kept nothing from being kept later");
}

/// Whether the bytes stand anywhere below.
fn is_on_disk(directory: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_on_disk(&path, needle);
        }
        memchr::memmem::find(&std::fs::read(path).unwrap(), needle).is_some()
    })
}

#[test]
fn a_secret_is_nowhere_on_the_disk_once_it_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut outputs = open(&mut collector, LIMITS);
    let (head, tail) = SECRET.split_at(9);
    write!(outputs.out, "it is {head}").unwrap();
    collect(&mut collector, false);
    writeln!(outputs.out, "{tail}, and ntok_abcdef").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory), ["out 1 it is ***, and ntok_***"]);
    assert!(!is_on_disk(directory.path(), b"horse") && !is_on_disk(directory.path(), b"abcdef"));
}

#[test]
fn the_next_supervisor_neither_loses_nor_doubles_a_line_wherever_the_last_one_died() {
    let directory = tempfile::tempdir().unwrap();
    let small = LogLimits { max_bytes: 60, files: 20 };
    let mut first = collector(&directory);
    let mut outputs = open(&mut first, small);
    let position = first.unread().join("position");
    let mut expected = Vec::new();
    for number in 0..10 {
        writeln!(outputs.out, "line {number}").unwrap();
        write!(outputs.err, "half {number} ").unwrap();
        expected.push(format!("out 1 line {number}"));
        // Killed after the log was written, or rotated and written, and before the position was.
        let before = std::fs::read(&position).unwrap();
        let mut dead = collector(&directory);
        dead.adopt(redactor(), small).unwrap();
        std::fs::write(directory.path().join("raw"), std::fs::read(first.unread().join("1.out")).unwrap()).unwrap();
        collect(&mut dead, false);
        std::fs::write(&position, before).unwrap();
        // What it gave back came after the position, so it is still there.
        std::fs::copy(directory.path().join("raw"), first.unread().join("1.out")).unwrap();
        let mut next = collector(&directory);
        next.adopt(redactor(), small).unwrap();
        collect(&mut next, false);
        assert_eq!(kept(&directory), expected);
    }
    let mut last = collector(&directory);
    collect(&mut last, true);
    let halves: Vec<_> = (0..10).map(|number| format!("half {number} ")).collect();
    expected.push(format!("err 1 {}", halves.concat()));
    assert_eq!(kept(&directory), expected);
}

#[test]
fn a_writer_that_is_too_fast_loses_counted_lines_and_the_disk_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut outputs = open(&mut collector, LIMITS);
    let line = "0123456789abcdef0123456789abcde\n";
    let count = usize::try_from(4 * LARGEST_BACKLOG).unwrap() / line.len();
    outputs.out.write_all(line.repeat(count).as_bytes()).unwrap();
    collect(&mut collector, false);
    let kept = kept(&directory);
    let told: usize =
        kept[0].split_once('…').unwrap().1.split(" lines").next().unwrap().replace(' ', "").parse().unwrap();
    assert!(kept[0].starts_with("out 1 … ") && kept[0].contains("dropped"), "{}", kept[0]);
    // The line that the end of the dropping cut through is not shown, and is counted in bytes alone.
    assert!((count - 1..=count).contains(&(told + kept.len() - 1)), "{count} {told} {}", kept.len());
    assert!(kept.len() as u64 * line.len() as u64 <= 2 * KEPT_OF_BACKLOG);
    let raw = std::fs::metadata(directory.path().join("logs/unread/1.out")).unwrap();
    assert!(raw.blocks() * 512 < 64 * 1024, "{} bytes are still taken", raw.blocks() * 512);
    assert_eq!(raw.len(), (count * line.len()) as u64);
}

#[test]
fn a_line_without_an_end_takes_neither_memory_nor_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = collector(&directory);
    let mut outputs = open(&mut first, LIMITS);
    for _ in 0..20 {
        outputs.out.write_all("x".repeat(100_000).as_bytes()).unwrap();
        collect(&mut first, false);
    }
    let mut next = collector(&directory);
    next.adopt(redactor(), LIMITS).unwrap();
    outputs.out.write_all(b"xxx\nnext\n").unwrap();
    collect(&mut next, false);
    let kept = kept(&directory);
    assert!(kept.len() == 2 && kept[0].ends_with("[line cut at 64 KiB]") && kept[1] == "out 1 next", "{}", kept.len());
    assert!(std::fs::metadata(directory.path().join("logs/unread/1.out")).unwrap().blocks() * 512 < 64 * 1024);
}

#[test]
fn a_log_is_capped_and_all_logs_together_are_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut outputs = open(&mut collector, LogLimits { max_bytes: 20_000, files: 3 });
    let room = LogRoom::new(directory.path().to_owned(), Some(50_000));
    room.add(&directory.path().join("logs"));
    for number in 0..200 {
        writeln!(outputs.out, "{number} {}", "x".repeat(1000)).unwrap();
        collect(&mut collector, false);
    }
    let log = directory.path().join("logs").join(LOG);
    assert!(numbered(&log, 2).exists() && !numbered(&log, 3).exists());
    assert!(kept(&directory).last().unwrap().starts_with("out 1 199 "));
    room.keep();
    assert!(numbered(&log, 1).exists() && !numbered(&log, 2).exists(), "the oldest goes first");
}

#[test]
fn compressed_logs_count_for_the_room_of_all_and_the_oldest_gives_way() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join(LOG);
    let rotation = LogRotation::default();
    for hour in 0..3 {
        // Bytes that do not get fewer.
        let noise = (0..20_000_u32).map(|number| char::from_u32(0x4e00 + number.wrapping_mul(2_654_435_761) % 20_000));
        std::fs::write(&log, noise.map(Option::unwrap).collect::<String>()).unwrap();
        let then = std::time::UNIX_EPOCH + Duration::from_secs(hour * 3600);
        File::options().append(true).open(&log).unwrap().set_modified(then).unwrap();
        rotation.rotate(&log, 9).unwrap();
    }
    rotation.compress_now(&log);
    let bytes = |number: u32| std::fs::metadata(compressed(&log, number)).unwrap().blocks() * 512;
    let room = LogRoom::new(directory.path().to_owned(), Some(bytes(1) + bytes(2)));
    room.add(directory.path());
    room.keep();
    assert!(compressed(&log, 1).exists() && compressed(&log, 2).exists() && !compressed(&log, 3).exists());
}

#[test]
fn what_cannot_be_kept_now_is_kept_later() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut outputs = open(&mut collector, LIMITS);
    let log = directory.path().join("logs").join(LOG);
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    write!(outputs.out, "one\nhal").unwrap();
    for _ in 0..3 {
        collector.step(false).unwrap_err();
    }
    std::fs::remove_dir(&log).unwrap();
    writeln!(outputs.out, "f").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory), ["out 1 one", "out 1 half"]);
}

#[test]
fn a_file_that_somebody_emptied_is_read_from_its_beginning() {
    let directory = tempfile::tempdir().unwrap();
    let mut collector = collector(&directory);
    let mut outputs = open(&mut collector, LIMITS);
    writeln!(outputs.out, "a long first line").unwrap();
    collect(&mut collector, false);
    outputs.out.set_len(0).unwrap();
    writeln!(outputs.out, "new").unwrap();
    collect(&mut collector, false);
    assert_eq!(kept(&directory), ["out 1 a long first line", "out 1 new"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_pieces_in_which_output_arrives_make_no_difference(
        text in "(correct |horse |battery|token=|\"|\r|\n|x| ){0,40}", size in 1_usize..9
    ) {
        let read = |size: usize| {
            let directory = tempfile::tempdir().unwrap();
            let mut collector = collector(&directory);
            let mut outputs = open(&mut collector, LIMITS);
            for piece in text.as_bytes().chunks(size) {
                outputs.out.write_all(piece).unwrap();
                collect(&mut collector, false);
            }
            collector.end_current();
            collect(&mut collector, true);
            kept(&directory)
        };
        prop_assert_eq!(read(size), read(4096));
    }
}
