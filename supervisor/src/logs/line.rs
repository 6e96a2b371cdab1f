//! A line on its way to those who follow.

use std::sync::OnceLock;

use super::{Cursor, Entry};

/// A line, the place behind it, and what is sent of it, which is made once for all who are sent it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) entry: Entry,
    /// Behind the line.
    pub(crate) cursor: Cursor,
    frame: OnceLock<String>,
}

impl Line {
    /// Each entry with the place behind it; moves `cursor` behind the last one.
    pub(super) fn behind(cursor: &mut Cursor, entries: Vec<Entry>) -> Vec<std::sync::Arc<Self>> {
        let line = |entry: Entry| {
            cursor.pass(&entry.place);
            std::sync::Arc::new(Self { entry, cursor: cursor.clone(), frame: OnceLock::new() })
        };
        entries.into_iter().map(line).collect()
    }

    /// What is sent of it, made by the first who asks.
    pub(crate) fn frame(&self, render: impl FnOnce(&Self) -> String) -> &str {
        self.frame.get_or_init(|| render(self))
    }
}
