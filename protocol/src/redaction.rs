//! Masks secrets in text that goes to a log or to a person.
//!
//! Two nets: the values that are known to be secret (and their JSON-escaped and
//! percent-encoded forms), and the shapes that secrets have. Masking too much is
//! accepted, masking too little is not.

mod lines;
mod shapes;

use std::borrow::{Borrow, Cow};
use std::ops::Range;

use memchr::memmem::Finder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};

pub use lines::{LINE_LIMIT, RedactingLines};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Shorter values are not masked as known secrets: they occur in ordinary words.
const SHORTEST_SECRET: usize = 8;

/// How many characters of a secret may stand at the end of a cut text before they are masked.
const LONGEST_HARMLESS_BEGINNING: usize = 3;

const NOT_IN_URLS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Masks a set of known secrets and everything that has the shape of one.
#[derive(Debug, Default)]
pub struct Redactor {
    needles: Vec<SecretString>,
}

/// Whether both mask the same.
impl PartialEq for Redactor {
    fn eq(&self, other: &Self) -> bool {
        self.needles().eq(other.needles())
    }
}

impl Redactor {
    /// Takes the values to mask. Values shorter than 8 characters are ignored; of a value
    /// with several lines each line is masked by itself, because logs are read by lines.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut needles: Vec<String> = Vec::new();
        for secret in secrets {
            for line in secret.expose_secret().lines().map(str::trim) {
                if line.chars().count() >= SHORTEST_SECRET {
                    needles.extend([line.to_owned(), json_escaped(line), percent_encoded(line)]);
                }
            }
        }
        needles.sort_unstable();
        needles.dedup();
        Self { needles: needles.into_iter().map(SecretString::from).collect() }
    }

    /// The text with every secret replaced by [`MASK`]; borrowed when there is none.
    /// The prefix of a token is kept, so that a reader sees what was there.
    #[must_use]
    pub fn redact<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let mut spans = Vec::new();
        shapes::find(text, &mut spans);
        find_known(self.finders(), text, &mut spans);
        mask(text, &mut spans)
    }

    /// The known secrets that occur in the bytes. To ask once for many lines is cheaper than for each.
    fn known_in(&self, bytes: &[u8]) -> Vec<Finder<'_>> {
        self.finders().filter(|finder| finder.find(bytes).is_some()).collect()
    }

    /// As [`Redactor::redact`], for a text that was cut off: the first part of a known
    /// secret at its very end is masked too.
    #[must_use]
    pub fn redact_cut<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let mut spans = Vec::new();
        shapes::find(text, &mut spans);
        find_known(self.finders(), text, &mut spans);
        for needle in self.needles() {
            let beginning = needle
                .char_indices()
                .skip(LONGEST_HARMLESS_BEGINNING + 1)
                .map(|(length, _)| &needle[..length])
                .filter(|beginning| text.ends_with(beginning))
                .last();
            if let Some(beginning) = beginning {
                spans.push(text.len() - beginning.len()..text.len());
            }
        }
        mask(text, &mut spans)
    }

    fn finders(&self) -> impl Iterator<Item = Finder<'_>> {
        self.needles().map(Finder::new)
    }

    fn needles(&self) -> impl Iterator<Item = &str> {
        self.needles.iter().map(SecretString::expose_secret)
    }
}

fn find_known<'needle>(
    finders: impl Iterator<Item = impl Borrow<Finder<'needle>>>,
    text: &str,
    spans: &mut Vec<Range<usize>>,
) {
    for finder in finders {
        let finder = finder.borrow();
        let needle = finder.needle();
        let mut from = 0;
        while let Some(offset) = finder.find(&text.as_bytes()[from..]) {
            let start = from + offset;
            spans.push(start + shapes::token_prefix(needle)..start + needle.len());
            // Not behind the whole match: a secret may overlap itself.
            from = text.ceil_char_boundary(start + 1);
        }
    }
}

/// Replaces the spans, of which overlapping and touching ones become one mask.
fn mask<'text>(text: &'text str, spans: &mut [Range<usize>]) -> Cow<'text, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_unstable_by_key(|span| span.start);
    let mut masked = String::with_capacity(text.len());
    let mut kept_to = 0;
    let mut masked_before = false;
    for span in spans {
        if span.start > kept_to || !masked_before {
            masked.push_str(&text[kept_to..span.start]);
            masked.push_str(MASK);
            masked_before = true;
        }
        kept_to = kept_to.max(span.end);
    }
    masked.push_str(&text[kept_to..]);
    Cow::Owned(masked)
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, NOT_IN_URLS).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().map(|secret| SecretString::from(*secret)))
    }

    #[test]
    fn a_text_without_secrets_is_left_alone() {
        let text = "node counter is ready after 120 ms (task-0192f3a4b5c6d7e8, 3 tokens left)";
        assert!(matches!(redactor(&["hunter2-hunter2"]).redact(text), Cow::Borrowed(_)));
    }

    #[test]
    fn known_values_are_masked_wherever_they_stand() {
        let redactor = redactor(&["correct horse", "ключ-ключ-ключ"]);
        assert_eq!(redactor.redact("<correct horse>, correct horsecorrect horse"), "<***>, ***");
        assert_eq!(redactor.redact("яключ-ключ-ключя"), "я***я");
    }

    #[test]
    fn overlapping_secrets_leave_no_rest() {
        let redactor = redactor(&["abcdefgh1234", "1234567890", "aaaaaaaa"]);
        assert_eq!(redactor.redact("[abcdefgh1234567890]"), "[***]");
        assert_eq!(redactor.redact("[aaaaaaaaaaa]"), "[***]");
    }

    #[test]
    fn a_secret_is_found_in_its_encoded_forms() {
        let redactor = redactor(&["pa\"ss\\wo/rd+=1"]);
        let shown = redactor.redact(r#"{"note":"pa\"ss\\wo/rd+=1"} https://h/?q=pa%22ss%5Cwo%2Frd%2B%3D1"#);
        assert_eq!(shown, r#"{"note":"***"} https://h/?q=***"#);
    }

    #[test]
    fn each_line_of_a_secret_with_several_lines_is_masked() {
        let redactor = redactor(&["-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----"]);
        assert_eq!(redactor.redact("MIIBVgIBADANBg"), MASK);
        assert_eq!(redactor.redact("key:\n-----BEGIN KEY-----\nMIIBVgIBADANBg\n"), "key:\n***\n***\n");
    }

    #[test]
    fn short_values_are_not_masked() {
        assert_eq!(redactor(&["ok", "1234567", ""]).redact("ok, 1234567 lines"), "ok, 1234567 lines");
    }

    #[test]
    fn a_known_token_keeps_its_prefix() {
        assert_eq!(redactor(&["ntok_0123456789"]).redact("got ntok_0123456789."), "got ntok_***.");
    }

    #[test]
    fn the_first_part_of_a_secret_at_a_cut_is_masked() {
        let redactor = redactor(&["correct horse"]);
        assert_eq!(redactor.redact_cut("it is corre"), "it is ***");
        assert_eq!(redactor.redact_cut("it is cor"), "it is cor");
        assert_eq!(redactor.redact("it is corre"), "it is corre");
    }

    #[test]
    fn a_redactor_does_not_show_its_secrets() {
        assert!(!format!("{:?}", redactor(&["correct horse"])).contains("horse"));
    }

    proptest! {
        #[test]
        fn no_known_secret_survives(
            secret in "[a-z\"\\\\ é]{8,20}", before in "\\PC{0,20}", after in "\\PC{0,20}"
        ) {
            prop_assume!(secret.trim().chars().count() >= SHORTEST_SECRET);
            let redactor = redactor(&[&secret]);
            let shown = redactor.redact(&format!("{before}{secret}{after}")).into_owned();
            prop_assert!(!shown.contains(secret.trim()), "{}", shown);
        }

        #[test]
        fn any_text_is_masked_without_a_panic(
            text in "(utok_|Bearer |key=|\"token\":\"|sk-|://u:|@|Some\\(|\\\\|\"|'| |:|=|abc1|0123456789|é|鍵){0,20}"
        ) {
            let redactor = redactor(&["abc10123456789"]);
            prop_assert!(!redactor.redact(&text).contains("abc10123456789"));
            let _ = redactor.redact_cut(&text);
        }
    }
}
