//! The logs of one process: those named `*.log` in its directory.

pub(crate) mod last_words;
mod reader;

pub(crate) use reader::{LOOK_INTERVAL, lines};
