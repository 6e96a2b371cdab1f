//! Real files; the writer is the test.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, UNIX_EPOCH};

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

pub(crate) use super::older::compressed;
use super::*;

/// All that a log and those it was rotated into hold, oldest first.
pub(crate) fn whole(log: &Path) -> String {
    loop {
        let paths = older(log).into_iter().rev().map(|older| older.path).chain([log.to_owned()]);
        let texts: Vec<_> = paths.filter(|path| path == log || path.exists()).map(|path| text(&path)).collect();
        // None where one was compressed or rotated meanwhile.
        if let Some(texts) = texts.into_iter().collect::<Option<Vec<_>>>() {
            return texts.concat();
        }
    }
}

/// What a tool for gzip reads, or a plain file.
fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    let Ok(mut file) = File::open(path) else { return path.extension().filter(|end| *end == "log").map(|_| text) };
    if is_compressed(path) {
        MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        file.read_to_string(&mut text).unwrap();
    }
    Some(text)
}

/// A log, and how it is rotated.
struct Log {
    _directory: TempDir,
    path: PathBuf,
    rotation: LogRotation,
    expected: String,
}

impl Log {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("node.log");
        Self { _directory: directory, path, rotation: LogRotation::default(), expected: String::new() }
    }

    fn append(&mut self, text: &str) {
        File::options().append(true).create(true).open(&self.path).unwrap().write_all(text.as_bytes()).unwrap();
        self.expected.push_str(text);
    }

    fn rotate(&self) {
        self.rotation.rotate(&self.path, 10).unwrap();
    }

    fn stage(&self, number: u32) -> compress::Staged {
        Staging::begin(&self.path).unwrap().unwrap().fill(&numbered(&self.path, number)).unwrap().unwrap()
    }

    #[track_caller]
    fn check(&self, names: &[&str]) {
        let entries = std::fs::read_dir(self.path.parent().unwrap()).unwrap();
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(found, names);
        assert_eq!(whole(&self.path), self.expected);
    }
}

fn many_lines() -> String {
    let lines: Vec<_> = (0..40_000).map(|number| format!("line {number} {}\n", "x".repeat(number % 90))).collect();
    lines.concat()
}

#[test]
fn a_compressed_log_is_one_that_every_tool_reads_as_private_and_as_old_as_the_log_was() {
    let mut log = Log::new();
    log.append(&many_lines());
    let then = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().append(true).open(&log.path).unwrap().set_modified(then).unwrap();
    log.rotate();
    log.append("new\n");
    log.rotation.compress_now(&log.path);
    log.check(&["node.log", "node.log.1.gz"]);
    let metadata = compressed(&log.path, 1).metadata().unwrap();
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.modified().unwrap()), (0o600, then));
    assert!(metadata.len() < log.expected.len() as u64 / 4, "{} bytes", metadata.len());
}

#[test]
fn a_rotation_moves_compressed_and_plain_logs_and_keeps_no_more_than_it_should() {
    let mut log = Log::new();
    for number in 0..4 {
        log.append(&format!("{number}\n"));
        log.rotate();
        if number % 2 == 0 {
            log.rotation.compress_now(&log.path);
        }
    }
    log.append("4\n");
    log.check(&["node.log", "node.log.1", "node.log.2.gz", "node.log.3.gz", "node.log.4.gz"]);
    log.rotation.rotate(&log.path, 3).unwrap();
    log.expected = "3\n4\n".to_owned();
    log.check(&["node.log.1", "node.log.2"]);
    log.append("5\n");
    log.rotation.rotate(&log.path, 1).unwrap();
    log.expected = String::new();
    log.check(&[]);
}

#[test]
fn a_log_that_is_rotated_while_it_is_compressed_gets_the_number_that_is_its_own_then() {
    let mut log = Log::new();
    log.append("0\n");
    log.rotate();
    log.append("1\n");
    let staged = log.stage(1);
    log.rotate();
    log.append("2\n");
    staged.put_in_place(&log.path).unwrap();
    log.check(&["node.log", "node.log.1", "node.log.2.gz"]);
    let staged = log.stage(1);
    std::fs::remove_file(numbered(&log.path, 1)).unwrap();
    log.expected = "0\n2\n".to_owned();
    staged.put_in_place(&log.path).unwrap();
    log.check(&["node.log", "node.log.2.gz"]);
}

#[test]
fn a_death_at_any_step_loses_and_doubles_nothing_and_the_next_one_tidies_up() {
    for step in 0..3 {
        for is_rotated_before in [false, true] {
            let mut log = Log::new();
            log.append(&many_lines());
            log.rotate();
            log.append("later\n");
            match step {
                // Half written.
                0 => std::fs::write(compress::staging_path(&log.path), "half").unwrap(),
                1 => drop(log.stage(1)),
                _ => drop(log.stage(1).name(&log.path).unwrap().unwrap()),
            }
            assert_eq!(whole(&log.path), log.expected, "after step {step}");
            if is_rotated_before {
                log.rotate();
                log.append("latest\n");
                assert_eq!(whole(&log.path), log.expected, "after step {step} and a rotation");
            }
            log.rotation.compress_now(&log.path);
            if is_rotated_before {
                log.check(&["node.log", "node.log.1.gz", "node.log.2.gz"]);
            } else {
                log.check(&["node.log", "node.log.1.gz"]);
            }
        }
    }
}

#[test]
fn what_cannot_be_compressed_stays_as_it_is_and_leaves_nothing() {
    let mut log = Log::new();
    log.append("0\n");
    log.rotate();
    log.append("1\n");
    let staging = || Staging::begin(&log.path);
    std::fs::create_dir(compress::staging_path(&log.path)).unwrap();
    assert!(staging().is_err(), "nothing can be written there");
    std::fs::remove_dir(compress::staging_path(&log.path)).unwrap();
    let busy = staging().unwrap().unwrap();
    assert!(staging().unwrap().is_none(), "two write the same file");
    busy.remove().unwrap();
    let other = log.path.with_file_name("other");
    std::os::unix::fs::symlink(numbered(&log.path, 1), &other).unwrap();
    assert!(staging().unwrap().unwrap().fill(&other).is_err(), "a link is not followed");
    std::fs::remove_file(other).unwrap();
    log.check(&["node.log", "node.log.1"]);
}

#[test]
fn the_thread_compresses_what_it_was_asked_for_and_ends() {
    let mut log = Log::new();
    log.rotation.compress(&log.path);
    assert!(!locked(&log.rotation.0).is_taken, "there is nothing to be done");
    for number in 0..5 {
        log.append(&format!("{number}\n"));
        log.rotate();
        log.rotation.compress(&log.path);
    }
    while locked(&log.rotation.0).is_taken {
        std::thread::yield_now();
    }
    log.check(&["node.log.1.gz", "node.log.2.gz", "node.log.3.gz", "node.log.4.gz", "node.log.5.gz"]);
}

#[test]
fn many_processes_that_compress_and_rotate_the_same_log_lose_nothing() {
    let mut log = Log::new();
    for number in 0..9 {
        log.append(&format!("{number}\n").repeat(1000));
        log.rotate();
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // Each knows nothing of the others.
            let path = log.path.clone();
            scope.spawn(move || {
                for _ in 0..10 {
                    compress_older(&path).unwrap();
                }
            });
        }
        for number in 9..20 {
            log.append(&format!("{number}\n").repeat(1000));
            log.rotation.rotate(&log.path, 50).unwrap();
        }
    });
    log.rotation.compress_now(&log.path);
    assert!(older(&log.path).iter().all(|older| older.is_compressed));
    assert_eq!(whole(&log.path), log.expected);
    assert!(!compress::staging_path(&log.path).exists());
}

#[test]
fn an_older_version_s_log_under_the_number_of_a_compressed_one_is_not_lost() {
    let mut log = Log::new();
    log.append("0\n");
    log.rotate();
    log.rotation.compress_now(&log.path);
    // It knows nothing of the compressed one.
    log.append("1\n");
    std::fs::rename(&log.path, numbered(&log.path, 1)).unwrap();
    log.expected = "1\n".to_owned();
    log.rotation.compress_now(&log.path);
    log.check(&["node.log.1.gz"]);
}

#[test]
fn a_file_is_known_by_more_than_an_inode_that_is_used_again() {
    let id = |text: &str| text.parse::<LogId>().unwrap();
    assert!(id("7.1").is(id("7.1")) && id("7").is(id("7.1")) && id("7.1").is(id("7")));
    assert!(!id("7.1").is(id("7.2")) && !id("7").is(id("8")));
    assert_eq!(id("7.1").to_string().parse::<LogId>().unwrap(), id("7.1"));
    assert!("7.".parse::<LogId>().is_err() && "".parse::<LogId>().is_err());
}

#[test]
fn only_names_that_a_rotation_gives_are_older_logs() {
    let mut log = Log::new();
    log.append("0\n");
    let directory = log.path.parent().unwrap().to_owned();
    for name in ["node.log.01", "node.log.0", "node.log.gz", "node.log.1.bz2", "node.log.x.gz", "other.log.1"] {
        std::fs::write(directory.join(name), "theirs\n").unwrap();
    }
    assert!(older(&log.path).is_empty());
    assert!(is_older(Path::new("a.log.1")) && is_older(Path::new("a.log.12.gz")));
    assert!(!is_older(Path::new("a.log")) && !is_older(Path::new("a.log.gz")) && !is_older(Path::new("a.log.")));
}
