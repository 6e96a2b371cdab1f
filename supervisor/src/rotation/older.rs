//! The files that a log was rotated into: `node.log.1`, `node.log.2.gz` and so on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::compressed_log::CompressedLog;
use super::log_id::LogId;

/// The ending of a compressed one.
const COMPRESSED: &str = ".gz";

/// A log that nobody writes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Older {
    /// How often the log was rotated since.
    pub(super) number: u32,
    pub(crate) path: PathBuf,
    pub(super) is_compressed: bool,
}

/// What the log directory holds under a number.
#[derive(Default)]
struct Numbered {
    plain: Option<PathBuf>,
    compressed: Option<PathBuf>,
}

/// The name that a log has after so many rotations.
pub(crate) fn numbered(log: &Path, number: u32) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The name of the same, compressed.
pub(crate) fn compressed(log: &Path, number: u32) -> PathBuf {
    let mut name = numbered(log, number).into_os_string();
    name.push(COMPRESSED);
    name.into()
}

/// Whether a file of that name is one which a log was rotated into.
pub(crate) fn is_older(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix(COMPRESSED).unwrap_or(name);
    name.rsplit_once(".log.")
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The files that `log` was rotated into, newest first. None where the directory cannot be read.
pub(crate) fn older(log: &Path) -> Vec<Older> {
    let found = find(log).into_iter().filter_map(|(number, found)| {
        // Until its removal the plain one is as good as the other.
        let is_compressed = found.plain.is_none();
        Some(Older { number, path: found.plain.or(found.compressed)?, is_compressed })
    });
    found.collect()
}

fn find(log: &Path) -> BTreeMap<u32, Numbered> {
    let mut found = BTreeMap::<u32, Numbered>::new();
    let (Some(directory), Some(name)) = (log.parent(), log.file_name().and_then(|name| name.to_str())) else {
        return found;
    };
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let file_name = entry.file_name();
        let Some(rest) = file_name.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('.')) else {
            continue;
        };
        let number = rest.strip_suffix(COMPRESSED).unwrap_or(rest);
        // Only as it is written here: `.01` is another file.
        let Some(number) = number.parse::<u32>().ok().filter(|parsed| *parsed > 0 && parsed.to_string() == number)
        else {
            continue;
        };
        let slot = found.entry(number).or_default();
        if rest.ends_with(COMPRESSED) { slot.compressed = Some(entry.path()) } else { slot.plain = Some(entry.path()) }
    }
    found
}

/// Which file of a log this is.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn id_of(path: &Path) -> io::Result<LogId> {
    let file = File::open(path)?;
    if is_compressed(path) { CompressedLog::id_of(&file) } else { Ok(LogId::of(&file.metadata()?)) }
}

/// Whether it has the name of a compressed log.
pub(crate) fn is_compressed(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(COMPRESSED.as_bytes())
}

/// Removes what a death left between a compressed log's appearance and the removal of the plain one.
///
/// # Errors
/// When it cannot be removed.
pub(super) fn remove_doubles(log: &Path) -> io::Result<()> {
    for found in find(log).into_values() {
        let (Some(plain), Some(compressed)) = (found.plain, found.compressed) else { continue };
        // A version that knew no compressed logs may have left another one under that number; the newer one stays.
        let is_same = id_of(&compressed)?.is(id_of(&plain)?);
        std::fs::remove_file(if is_same { plain } else { compressed })?;
    }
    Ok(())
}
