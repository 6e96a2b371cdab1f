//! What stands at a path where a file of this user's should be.

use std::path::Path;

use crate::private_file;

/// What stands at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OwnFile {
    /// Nothing.
    Absent,
    /// A file of this user's.
    Text(String),
    /// Something that is not read: a link, a pipe, somebody else's, too large.
    Refused(FileProblem),
}

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileProblem {
    /// What it is.
    pub(super) seen: String,
    /// What mends it, or shows more of it.
    pub(super) command: String,
}

/// Reads a file of this user's own.
pub(super) fn read(path: &Path) -> OwnFile {
    match private_file::read_own(path) {
        Ok(None) => OwnFile::Absent,
        Ok(Some(text)) => OwnFile::Text(text),
        Err(error) => {
            let command = format!("ls -l {}", path.display());
            OwnFile::Refused(FileProblem { seen: error.reason, command })
        }
    }
}
