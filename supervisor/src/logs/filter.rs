//! Which lines somebody wants to see.

use anet_protocol::control::LogStream;
use anet_protocol::time::Timestamp;
use regex::{Regex, RegexBuilder};

use super::Entry;

/// A pattern that compiles to more bytes is refused.
const LARGEST_PATTERN: usize = 1024 * 1024;

/// All of what is set must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    since: Option<String>,
    grep: Option<Regex>,
    stream: Option<LogStream>,
}

impl Filter {
    /// Lines since then, in whose text the pattern is found, of this stream.
    ///
    /// # Errors
    /// When the pattern is none.
    pub(crate) fn new(
        since: Option<Timestamp>,
        grep: Option<&str>,
        stream: Option<LogStream>,
    ) -> Result<Self, regex::Error> {
        let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
        Ok(Self {
            since: since.map(|since| since.to_rfc3339().trim_end_matches('Z').to_owned()),
            grep: grep.map(compile).transpose()?,
            stream,
        })
    }

    /// Whether a line with a time is too old, and so is everything before it.
    pub(super) fn is_too_old(&self, entry: &Entry) -> bool {
        entry.at.is_some() && self.since.as_deref().is_some_and(|since| entry.sort_key() < since)
    }

    pub(super) fn has_since(&self) -> bool {
        self.since.is_some()
    }

    pub(super) fn accepts(&self, entry: &Entry) -> bool {
        if entry.is_notice {
            return true;
        }
        !self.is_too_old(entry)
            && self.stream.is_none_or(|stream| stream == entry.stream)
            && self.grep.as_ref().is_none_or(|grep| grep.is_match(&entry.text))
    }
}
