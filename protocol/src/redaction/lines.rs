//! Redaction of a byte stream, line by line.

use std::mem;
use std::sync::Arc;

use memchr::memchr;

use super::Redactor;

/// The most bytes of one line that are kept.
pub const LINE_LIMIT: usize = 64 * 1024;

const CUT_MARK: &str = " … [line cut at 64 KiB]";

/// Turns the bytes that a process writes into redacted lines.
///
/// A line is given out only when it is complete, so a secret that arrives in several
/// pieces is masked all the same.
pub struct RedactingLines {
    redactor: Arc<Redactor>,
    line: Vec<u8>,
    is_cut: bool,
}

impl RedactingLines {
    /// Starts with an empty stream.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, line: Vec::new(), is_cut: false }
    }

    /// Takes the next bytes and gives the lines that they complete, without line ends.
    ///
    /// Bytes that are not UTF-8 become U+FFFD. What goes beyond [`LINE_LIMIT`] is dropped
    /// and a mark says so.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        if !self.line.is_empty() || self.is_cut {
            let Some(end) = memchr(b'\n', rest) else {
                self.keep(rest);
                return lines;
            };
            self.keep(&rest[..end]);
            lines.push(self.finish(false));
            rest = &rest[end + 1..];
        }
        // What stands between two line ends of this piece is not copied, and known secrets are looked for
        // in all of it at once.
        let redactor = Arc::clone(&self.redactor);
        let known = redactor.known_in(rest);
        while let Some(end) = memchr(b'\n', rest) {
            if end > LINE_LIMIT {
                self.keep(&rest[..end]);
                lines.push(self.finish(false));
            } else {
                let text = String::from_utf8_lossy(&rest[..end]);
                let text = text.trim_end_matches('\r');
                lines.push(redactor.redact_among(text, &known).into_owned());
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest);
        lines
    }

    /// Adds to the unfinished line what it has room for.
    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_LIMIT - self.line.len();
        self.is_cut |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Gives the unfinished last line, if there is one. To be called at the end of the
    /// stream only: if more of that line came later, a secret could be torn apart.
    pub fn flush(&mut self) -> Option<String> {
        (!self.line.is_empty()).then(|| self.finish(true))
    }

    fn finish(&mut self, is_unfinished: bool) -> String {
        let line = mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        if mem::take(&mut self.is_cut) {
            // The cut may have split a character, whose half must not hide the end of a secret.
            let kept = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
            return format!("{}{CUT_MARK}", self.redactor.redact_cut(kept));
        }
        let text = text.trim_end_matches('\r');
        if is_unfinished { self.redactor.redact_cut(text) } else { self.redactor.redact(text) }.into_owned()
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
        for _ in 0..1000 {
            assert!(lines.push(&[b'x'; 4096]).is_empty());
        }
        assert_eq!(lines.line.len(), LINE_LIMIT);
        assert!(lines.flush().unwrap().ends_with(CUT_MARK));
        assert_eq!(lines.flush(), None);
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
