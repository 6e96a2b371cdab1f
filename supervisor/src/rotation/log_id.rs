//! Which file of a log it is, whatever its name is now and whether it is compressed.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::str::FromStr;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// The inode that the file had when it was written, and when that was made: an inode's number is used
/// again once the file is compressed or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogId {
    pub(super) inode: u64,
    /// Nanoseconds since 1970; absent where the file system does not tell, and in what older versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) born: Option<u64>,
}

impl LogId {
    /// That of a file which is not compressed.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Self { inode: metadata.ino(), born: born.and_then(|born| u64::try_from(born.as_nanos()).ok()) }
    }

    /// Whether both are the same file, as far as both are known.
    pub(crate) fn is(self, other: Self) -> bool {
        self.inode == other.inode && self.born.zip(other.born).is_none_or(|(one, other)| one == other)
    }
}

/// `<inode>` or `<inode>.<born>`.
impl fmt::Display for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.inode)?;
        self.born.map_or(Ok(()), |born| write!(formatter, ".{born}"))
    }
}

impl FromStr for LogId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (inode, born) = text.split_once('.').map_or((text, None), |(inode, born)| (inode, Some(born)));
        Ok(Self { inode: inode.parse()?, born: born.map(str::parse).transpose()? })
    }
}
