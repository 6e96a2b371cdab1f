//! Redaction of a byte stream, line by line.

use std::mem;
use std::sync::Arc;

use memchr::memchr;

use super::{Redactor, find_known, mask, shapes};

/// The most bytes of one line that are kept.
pub const LINE_LIMIT: usize = 64 * 1024;

const CUT_MARK: &str = " … [line cut at 64 KiB]";

/// Turns the bytes that a process writes into redacted lines.
///
/// A line is given out only when it is complete, so a secret that arrives in several
/// pieces is masked all the same.
#[derive(Debug)]
pub struct RedactingLines {
    redactor: Arc<Redactor>,
    line: Vec<u8>,
    /// The line in hand was given out as far as it goes; the rest of it is dropped.
    is_skipping: bool,
}

impl RedactingLines {
    /// Starts at the beginning of a line.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, line: Vec::new(), is_skipping: false }
    }

    /// Starts inside a line, of which the rest is dropped.
    #[must_use]
    pub fn inside_a_line(redactor: Arc<Redactor>) -> Self {
        Self { is_skipping: true, ..Self::new(redactor) }
    }

    /// How many of the bytes taken so far belong to a line that is not complete yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.line.len()
    }

    /// Whether the rest of the line in hand is dropped.
    #[must_use]
    pub fn is_skipping(&self) -> bool {
        self.is_skipping
    }

    /// Takes the next bytes and gives the lines that they complete, without line ends.
    ///
    /// Bytes that are not UTF-8 become U+FFFD. A line longer than [`LINE_LIMIT`] is given out when it
    /// reaches that, with a mark that says so, and its rest is dropped.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        if self.is_skipping || !self.line.is_empty() {
            let end = memchr(b'\n', rest);
            self.keep(&rest[..end.unwrap_or(rest.len())], &mut lines);
            let Some(end) = end else { return lines };
            self.end_line(&mut lines);
            rest = &rest[end + 1..];
        }
        // What stands between two line ends of this piece is not copied, and known secrets are looked for
        // in all of it at once.
        let redactor = Arc::clone(&self.redactor);
        let known = redactor.known_in(rest);
        let mut spans = Vec::new();
        while let Some(end) = memchr(b'\n', rest) {
            if end > LINE_LIMIT {
                self.keep(&rest[..end], &mut lines);
                self.end_line(&mut lines);
            } else {
                let text = String::from_utf8_lossy(&rest[..end]);
                let text = text.trim_end_matches('\r');
                spans.clear();
                shapes::find(text, &mut spans);
                find_known(known.iter(), text, &mut spans);
                lines.push(mask(text, &mut spans).into_owned());
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest, &mut lines);
        lines
    }

    /// Gives the unfinished last line, if there is one. To be called at the end of the
    /// stream only: if more of that line came later, a secret could be torn apart.
    pub fn flush(&mut self) -> Option<String> {
        if self.line.is_empty() {
            return None;
        }
        let line = mem::take(&mut self.line);
        Some(self.redactor.redact_cut(String::from_utf8_lossy(&line).trim_end_matches('\r')).into_owned())
    }

    /// Adds to the line in hand; one that becomes too long is given out.
    fn keep(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        if self.is_skipping {
            return;
        }
        let room = LINE_LIMIT - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            let line = mem::take(&mut self.line);
            let text = String::from_utf8_lossy(&line);
            // The cut may have split a character, whose half must not hide the end of a secret.
            let kept = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
            lines.push(format!("{}{CUT_MARK}", self.redactor.redact_cut(kept)));
            self.is_skipping = true;
        }
    }

    fn end_line(&mut self, lines: &mut Vec<String>) {
        if !mem::take(&mut self.is_skipping) {
            let line = mem::take(&mut self.line);
            let text = String::from_utf8_lossy(&line);
            lines.push(self.redactor.redact(text.trim_end_matches('\r')).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    const SECRET: &str = "correct horse battery";

    fn lines() -> RedactingLines {
        RedactingLines::new(Arc::new(Redactor::new([SecretString::from(SECRET)])))
    }

    #[test]
    fn a_secret_is_masked_wherever_the_stream_is_split() {
        let text = format!("a {SECRET} b\r\nBearer abcdef\n\nlast ntok_abc");
        for split in 0..=text.len() {
            let mut lines = lines();
            let mut all = lines.push(&text.as_bytes()[..split]);
            all.extend(lines.push(&text.as_bytes()[split..]));
            all.extend(lines.flush());
            assert_eq!(all, ["a *** b", "Bearer ***", "", "last ntok_***"], "split at {split}");
        }
    }

    #[test]
    fn no_secret_is_shown_at_the_cut_of_an_endless_line() {
        for shown in 0..=SECRET.len() {
            let mut lines = lines();
            let text = format!("{}{SECRET}{}\nnext\n", "x".repeat(LINE_LIMIT - shown), "y".repeat(100));
            let all: Vec<_> = text.as_bytes().chunks(4096).flat_map(|chunk| lines.push(chunk)).collect();
            assert_eq!(all.len(), 2);
            assert!(all[0].ends_with(CUT_MARK) && !all[0].contains("corr") && !all[0].contains('y'), "{shown}");
            assert_eq!(all[1], "next");
        }
    }

    #[test]
    fn memory_stays_bounded_when_a_line_never_ends() {
        let mut lines = lines();
        let given: Vec<_> = (0..1000).flat_map(|_| lines.push(&[b'x'; 4096])).collect();
        assert!(given.len() == 1 && given[0].ends_with(CUT_MARK));
        assert!(lines.is_skipping() && lines.pending() == 0 && lines.flush().is_none());
        assert_eq!(lines.push(b"y\nnext\n"), ["next"]);
    }

    #[test]
    fn who_begins_inside_a_line_shows_nothing_of_its_rest() {
        let mut lines = RedactingLines::inside_a_line(Arc::default());
        assert!(lines.push(b"the rest").is_empty());
        assert_eq!(lines.push(b" of it\nnext\nlast"), ["next"]);
        assert_eq!(lines.pending(), 4);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole() {
        let mut text = vec![b'x'; LINE_LIMIT];
        text.push(b'\n');
        assert_eq!(lines().push(&text)[0].len(), LINE_LIMIT);
    }

    #[test]
    fn a_character_split_by_the_cut_is_dropped() {
        let text = format!("{}é\n", "x".repeat(LINE_LIMIT - 1));
        assert_eq!(lines().push(text.as_bytes())[0], format!("{}{CUT_MARK}", "x".repeat(LINE_LIMIT - 1)));
    }

    #[test]
    fn the_torn_end_of_a_stream_shows_no_part_of_a_secret() {
        let mut lines = lines();
        lines.push(b"it is correct hor");
        assert_eq!(lines.flush().unwrap(), "it is ***");
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_visible() {
        assert_eq!(lines().push(b"a\xff\xfeb\n"), ["a\u{fffd}\u{fffd}b"]);
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_a_stream_arrives_make_no_difference(
            text in "(correct |horse |battery|token=|\"|\r|\n|x| ){0,30}", size in 1_usize..9
        ) {
            let read = |size: usize| {
                let mut lines = lines();
                let mut all: Vec<_> = text.as_bytes().chunks(size).flat_map(|chunk| lines.push(chunk)).collect();
                all.extend(lines.flush());
                all
            };
            prop_assert_eq!(read(size), read(4096));
        }
    }
}
