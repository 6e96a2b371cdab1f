//! The local audit log: every request that changes something, who asked, and what came of it (R54).
//!
//! One JSON document a line, in two files of bounded size that their owner alone can read. A line is written when the
//! request is answered and survives the supervisor's death; it is not synced to the disk, since a start would wait for it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anet_protocol::control::LocalAuditLine;

use crate::paths::Paths;

/// A file longer than this becomes the older one, and the one that was so is gone: about 50,000 lines are kept.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The two files.
#[derive(Debug)]
pub(crate) struct AuditLog {
    newer: PathBuf,
    older: PathBuf,
    longest: u64,
    /// Held while a line is written.
    writing: Mutex<()>,
}

impl AuditLog {
    /// The log in a directory, which need not be there yet.
    pub(crate) fn new(directory: &Path) -> Self {
        let (newer, older) = (directory.join("audit.jsonl"), directory.join("audit.1.jsonl"));
        Self { newer, older, longest: LONGEST, writing: Mutex::default() }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&self, line: &LocalAuditLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(&self.newer);
        let mut file = open()?;
        if file.metadata()?.len() + text.len() as u64 > self.longest {
            std::fs::rename(&self.newer, &self.older)?;
            file = open()?;
        }
        file.write_all(&text)
    }

    fn read(&self) -> io::Result<Vec<LocalAuditLine>> {
        let mut lines = Vec::new();
        for path in [&self.older, &self.newer] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::new(file).lines() {
                // A line that a full disk cut off tells nothing.
                lines.extend(serde_json::from_str::<LocalAuditLine>(&line?));
            }
        }
        Ok(lines)
    }
}

/// What was asked of the supervisors of `home`, which is `~/.anet`, oldest first. No supervisor needs to run.
///
/// # Errors
/// When the files are there and cannot be read.
pub fn read_audit_log(home: &Path) -> io::Result<Vec<LocalAuditLine>> {
    AuditLog::new(&Paths::new(home).state_directory).read()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use anet_protocol::control::{AuditResult, Requester};
    use anet_protocol::time::Timestamp;

    use super::*;

    fn line(pid: u32) -> LocalAuditLine {
        LocalAuditLine {
            at: Timestamp::from_millis(0),
            by: Requester { uid: 1000, pid, program: None },
            action: "stop".to_owned(),
            name: Some("writer".to_owned()),
            project: None,
            result: AuditResult::Done,
        }
    }

    #[test]
    fn lines_are_kept_in_order_for_the_owner_alone_and_within_bounds() {
        let directory = tempfile::tempdir().unwrap();
        let log = AuditLog { longest: 2000, ..AuditLog::new(directory.path()) };
        (1..=100).for_each(|pid| log.append(&line(pid)).unwrap());
        std::fs::OpenOptions::new().append(true).open(&log.newer).unwrap().write_all(b"{\"at\":\n").unwrap();
        let pids: Vec<u32> = log.read().unwrap().iter().map(|line| line.by.pid).collect();
        assert!(pids.last() == Some(&100) && pids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{pids:?}");
        for path in [&log.newer, &log.older] {
            let metadata = std::fs::metadata(path).unwrap();
            assert!(metadata.len() <= 2010 && metadata.permissions().mode() & 0o777 == 0o600, "{}", path.display());
        }
    }
}
