//! One member of a compressed log: lines in gzip's format (RFC 1952), which every tool for it reads.
//!
//! A file of several members is one gzip file to those tools. An extra field in the header of each (RFC 1952,
//! 2.3.1.1) says how long it is, so that a reader finds any place without unpacking what stands before it.

use std::io::{self, Read as _, Write as _};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use super::log_id::LogId;

/// No member holds more bytes of a log, and no reader unpacks more at once.
pub(super) const LARGEST_MEMBER: u32 = 1024 * 1024;

/// Bytes of the header.
pub(super) const HEADER: usize = DATA_AT + DATA as usize;
/// Where the extra field's data begins.
const DATA_AT: usize = 10 + 2 + FIELD.len();
/// Bytes of the extra field's data: four large numbers and two small ones.
const DATA: u8 = 4 * 8 + 2 * 4;
/// What the extra field begins with: two letters of our own, and how long the data is.
const FIELD: [u8; 4] = [b'A', b'N', DATA, 0];
/// The magic number, deflate, and that there is an extra field and nothing else.
const MAGIC: [u8; 4] = [0x1f, 0x8b, 8, 4];

/// What the header of a member tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The file that was compressed.
    pub(super) id: LogId,
    /// Bytes of that file.
    pub(super) log_length: u64,
    /// Where in it this member begins.
    pub(super) from: u64,
    /// How many bytes of it this member holds.
    pub(super) length: u32,
    /// Bytes of the member itself, header and all.
    pub(super) size: u32,
}

impl Member {
    /// Compresses `lines`, which begin at `from` in the file `id` of `log_length` bytes.
    ///
    /// # Errors
    /// When they are too many.
    pub(super) fn compress(id: LogId, log_length: u64, from: u64, lines: &[u8]) -> io::Result<Vec<u8>> {
        let length = u32::try_from(lines.len()).map_err(io::Error::other)?;
        let mut member = Self { id, log_length, from, length, size: 0 };
        let field = [&FIELD[..], &member.data()].concat();
        let mut encoder = GzBuilder::new().extra(field).write(Vec::new(), Compression::fast());
        encoder.write_all(lines)?;
        let mut bytes = encoder.finish()?;
        member.size = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        bytes[DATA_AT..HEADER].copy_from_slice(&member.data());
        Ok(bytes)
    }

    fn data(&self) -> Vec<u8> {
        let large = [self.id.inode, self.id.born.unwrap_or_default(), self.log_length, self.from];
        let small = [self.length, self.size];
        large.into_iter().flat_map(u64::to_le_bytes).chain(small.into_iter().flat_map(u32::to_le_bytes)).collect()
    }

    /// Reads a header; `None` when it is none of ours.
    pub(super) fn parse(header: &[u8; HEADER]) -> Option<Self> {
        if !header.starts_with(&MAGIC) || header[DATA_AT - FIELD.len()..DATA_AT] != FIELD {
            return None;
        }
        let (large, small) = header[DATA_AT..].split_at(4 * size_of::<u64>());
        let (large, _) = large.as_chunks::<{ size_of::<u64>() }>();
        let (small, _) = small.as_chunks::<{ size_of::<u32>() }>();
        let [inode, born, log_length, from] = *large else { return None };
        let [length, size] = *small else { return None };
        let born = u64::from_le_bytes(born);
        let member = Self {
            id: LogId { inode: u64::from_le_bytes(inode), born: (born > 0).then_some(born) },
            log_length: u64::from_le_bytes(log_length),
            from: u64::from_le_bytes(from),
            length: u32::from_le_bytes(length),
            size: u32::from_le_bytes(size),
        };
        (member.length <= LARGEST_MEMBER && member.size as usize > HEADER).then_some(member)
    }

    /// Unpacks the bytes of the member.
    ///
    /// # Errors
    /// When they are not what was compressed.
    pub(super) fn decompress(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut lines = Vec::with_capacity(self.length as usize);
        // One more than there should be, so that a surplus is seen and the check sum is read.
        GzDecoder::new(bytes).take(u64::from(self.length) + 1).read_to_end(&mut lines)?;
        if lines.len() == self.length as usize { Ok(lines) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}
