//! What a process wrote to its standard error before it ended.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anet_protocol::redaction::Redactor;

/// The file in a process's log directory that holds its standard output and error.
pub(super) const FILE: &str = "stderr.log";
/// No more of it is shown.
const LONGEST: u64 = 2048;
const LINES: usize = 5;

/// The last lines of the file from `start` on, on one line, redacted; `None` when there are none.
pub(super) fn last_words(log_directory: &Path, start: u64) -> Option<String> {
    let text = match read_end(&log_directory.join(FILE), start) {
        Ok(text) => text,
        Err(error) => {
            tracing::debug!(directory = %log_directory.display(), %error, "no last words");
            return None;
        }
    };
    let redacted = Redactor::default().redact_cut(&text).into_owned();
    let lines: Vec<&str> = redacted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    let words = lines[from..].join(" | ").replace(|character: char| character.is_control(), " ");
    (!words.is_empty()).then_some(words)
}

fn read_end(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // Shorter than it was: somebody emptied it meanwhile.
    let start = if start > length { 0 } else { start };
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(LONGEST))))?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_starts_last_lines_are_told_without_secrets() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(last_words(directory.path(), 0), None);
        let (before, after) = ("an earlier start\n", "1\n2\n3\n4\n\n5 token=sk-ant-0123456789abcdef0123\n\x1b[31m6\n");
        std::fs::write(directory.path().join(FILE), format!("{before}{after}")).unwrap();
        let words = last_words(directory.path(), before.len() as u64).unwrap();
        assert!(words.starts_with("2 | 3 | 4 | 5 ") && words.ends_with(" [31m6"), "{words}");
        assert!(!words.contains("0123456789"), "{words}");
        assert!(last_words(directory.path(), 1000).unwrap().contains("2 | 3"));
    }
}
