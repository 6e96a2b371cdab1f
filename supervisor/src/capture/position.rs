//! Up to where the output of a process is kept.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use crate::rotation::LogId;

/// The file is written in place, always as long, so that a full disk cannot keep it from being
/// written, and short enough that the kernel writes it at once.
const SIZE: usize = 1024;

/// What stands in the log belongs to what was read: both change together, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The number of the last start.
    pub(super) incarnation: u64,
    /// Where the log ended; what stands behind it was not finished, and will be written again.
    pub(super) log: Option<LogEnd>,
    /// By the name of the raw file.
    pub(super) streams: BTreeMap<String, StreamPosition>,
}

/// The end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogEnd {
    #[serde(flatten)]
    pub(super) id: LogId,
    pub(super) length: u64,
}

/// How far a raw file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamPosition {
    /// Bytes of whole lines that are kept or dropped.
    pub(super) offset: u64,
    /// The rest of the line there is dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_inside_line: bool,
    /// What was dropped and is not told yet.
    #[serde(default, skip_serializing_if = "Dropped::is_none")]
    pub(super) dropped: Dropped,
}

/// Output that nobody will see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dropped {
    pub(super) lines: u64,
    pub(super) bytes: u64,
}

impl Dropped {
    pub(super) const fn is_none(&self) -> bool {
        self.lines == 0 && self.bytes == 0
    }
}

impl Position {
    /// Reads it; a new one when there is none, or none that can be understood.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        // Behind the value there may be the rest of an earlier, longer one.
        match serde_json::Deserializer::from_slice(&bytes).into_iter().next() {
            Some(Ok(position)) => Ok(position),
            Some(Err(error)) => {
                tracing::warn!(path = %path.display(), %error, "not understood; output may be kept twice");
                Ok(Self::default())
            }
            None => Ok(Self::default()),
        }
    }

    /// Writes it, so that it survives the supervisor; not the machine, whose end ends the process too.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.resize(text.len().max(SIZE), b' ');
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)?;
        file.write_all_at(&text, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_what_is_broken_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("position");
        assert_eq!(Position::load(&path).unwrap(), Position::default());
        let mut position = Position {
            incarnation: 7,
            log: Some(LogEnd { id: "1.3".parse().unwrap(), length: 2 }),
            ..Position::default()
        };
        for number in 0..40 {
            position.streams.insert(format!("{number}.out"), StreamPosition { offset: 1 << 40, ..Default::default() });
        }
        position.save(&path).unwrap();
        assert_eq!(Position::load(&path).unwrap(), position);
        position.streams.clear();
        position.save(&path).unwrap();
        assert_eq!(Position::load(&path).unwrap(), position);
        std::fs::write(&path, "{\"incarn").unwrap();
        assert_eq!(Position::load(&path).unwrap(), Position::default());
    }
}
