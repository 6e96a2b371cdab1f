//! What a process wrote before it ended.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anet_protocol::time::Timestamp;

use crate::capture::LOG;

/// No more of the log is read.
const LONGEST: u64 = 16 * 1024;
/// No more is shown, in characters.
const SHOWN: usize = 2048;
const LINES: usize = 5;

/// The last lines that start number `incarnation` wrote to its standard error, or to its standard
/// output where it wrote no error, on one line; `None` when there are none. With `since` older lines do not count.
pub(crate) fn last_words(log_directory: &Path, incarnation: u64, since: Option<Timestamp>) -> Option<String> {
    let text = match read_end(&log_directory.join(LOG)) {
        Ok(text) => text,
        Err(error) => {
            tracing::debug!(directory = %log_directory.display(), %error, "no last words");
            return None;
        }
    };
    let number = incarnation.to_string();
    let is_recent = |time: &str| since.is_none_or(|since| Timestamp::parse(time).is_ok_and(|written| written >= since));
    let of = |stream: &str| -> Vec<&str> {
        let parts = text.lines().map(|line| line.splitn(4, ' ').collect::<Vec<_>>());
        let texts = parts.filter_map(|parts| match parts.as_slice() {
            [time, word, start, text] if *word == stream && *start == number && is_recent(time) => Some(text.trim()),
            _ => None,
        });
        texts.filter(|text| !text.is_empty()).collect()
    };
    let lines = [of("err"), of("out")].into_iter().find(|lines| !lines.is_empty())?;
    let from = lines.len().saturating_sub(LINES);
    let words = lines[from..].join(" | ").replace(|character: char| character.is_control(), " ");
    let surplus = words.chars().count().saturating_sub(SHOWN);
    Some(words.chars().skip(surplus).collect())
}

fn read_end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_starts_last_lines_are_told_and_errors_before_output() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(last_words(directory.path(), 2, None), None);
        let log = directory.path().join(LOG);
        let line = |stream: &str, incarnation: u64, text: &str| format!("T {stream} {incarnation} {text}\n");
        let mut text = line("err", 1, "an earlier start");
        text += &line("out", 2, "output");
        std::fs::write(&log, &text).unwrap();
        assert_eq!(last_words(directory.path(), 2, None).unwrap(), "output");
        for word in ["1", "2", "3", "4", "", "5", "\x1b[31m6"] {
            text += &line("err", 2, word);
        }
        std::fs::write(&log, &text).unwrap();
        assert_eq!(last_words(directory.path(), 2, None).unwrap(), "2 | 3 | 4 | 5 |  [31m6");
        assert_eq!(last_words(directory.path(), 3, None), None);
    }

    #[test]
    fn what_was_said_long_before_the_end_is_no_last_word() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (Timestamp::from_millis(1_000_000), Timestamp::from_millis(2_000_000));
        let line = |at: Timestamp, text: &str| format!("{} err 1 {text}\n", at.to_rfc3339());
        std::fs::write(directory.path().join(LOG), line(old, "an old complaint")).unwrap();
        assert_eq!(last_words(directory.path(), 1, Some(new)), None);
        assert_eq!(last_words(directory.path(), 1, Some(old)).unwrap(), "an old complaint");
        std::fs::write(directory.path().join(LOG), line(old, "an old complaint") + &line(new, "a new one")).unwrap();
        assert_eq!(last_words(directory.path(), 1, Some(new)).unwrap(), "a new one");
    }
}
