//! One line of a log.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anet_protocol::control::LogStream;

use crate::capture::LOG;
use crate::rotation::LogId;

/// A line and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// RFC 3339 in UTC, where the line begins with it; a line without belongs to the one before.
    pub(crate) at: Option<String>,
    pub(crate) stream: LogStream,
    /// The number of the start that wrote it.
    pub(crate) incarnation: Option<u64>,
    pub(crate) text: String,
    /// It goes on in the next entry.
    pub(crate) is_cut: bool,
    /// It stands in no log, but tells of one.
    pub(crate) is_notice: bool,
    pub(super) place: Place,
}

/// A line's bytes in a file; neither a rotation nor a compression changes any of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The name of the log, which several files have had.
    pub(super) log: Arc<str>,
    pub(super) id: LogId,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Entry {
    /// Reads a line of the log that `place` names.
    pub(super) fn parse(line: &[u8], place: Place) -> Self {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        let captured = (&*place.log == LOG).then(|| captured(line)).flatten();
        let (at, stream, incarnation, text) = captured.unwrap_or_else(|| {
            let first = line.split(' ').next().filter(|word| is_time(word));
            (first, LogStream::Log, None, line)
        });
        Self {
            at: at.map(str::to_owned),
            stream,
            incarnation,
            text: text.to_owned(),
            is_cut: false,
            is_notice: false,
            place,
        }
    }

    /// In the place of lines that cannot be shown.
    pub(super) fn notice(text: String, place: Place) -> Self {
        Self { at: None, stream: LogStream::Log, incarnation: None, text, is_cut: false, is_notice: true, place }
    }

    /// What tells earlier from later: times in UTC can be compared as text.
    pub(super) fn sort_key(&self) -> &str {
        self.at.as_deref().unwrap_or_default().trim_end_matches('Z')
    }
}

/// The parts of a line of the captured output.
fn captured(line: &str) -> Option<(Option<&str>, LogStream, Option<u64>, &str)> {
    let mut parts = line.splitn(4, ' ');
    let (at, stream) = (parts.next()?, LogStream::from_word(parts.next()?)?);
    Some((Some(at), stream, parts.next()?.parse().ok(), parts.next()?))
}

/// Whether a word has the look of `2026-11-22T05:43:55.417Z`.
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 20 && bytes[0].is_ascii_digit() && bytes[4] == b'-' && bytes[10] == b'T' && word.ends_with('Z')
}

/// Tells of lines that cannot be read.
pub(super) fn damage(path: &Path, error: &io::Error, place: Place) -> Entry {
    tracing::debug!(path = %path.display(), %error, "a compressed log is damaged");
    let text = format!("… lines of {} are missing here: {} is damaged", place.log, path.display());
    Entry::notice(text, place)
}

/// The name by which cursors and entries know a log.
pub(super) fn log_name(path: &Path) -> Arc<str> {
    path.file_name().unwrap_or_default().to_string_lossy().into()
}
