//! The local audit log: every request that changes something, who asked, and what came of it (R54).
//!
//! A line is written when the request is answered and survives the supervisor's death; it is not synced to the disk,
//! since a start would wait for it.

use std::io;
use std::path::Path;

use anet_protocol::control::LocalAuditLine;

use crate::line_log::LineLog;
use crate::paths::Paths;

/// How long each of the two files gets, in bytes: about 50,000 lines are kept.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The two files.
#[derive(Debug)]
pub(crate) struct AuditLog(LineLog);

impl AuditLog {
    /// The log in a directory, which need not be there yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self(LineLog::new(directory, "audit", LONGEST))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&self, line: &LocalAuditLine) -> io::Result<()> {
        self.0.append(line)
    }
}

/// What was asked of the supervisors of `home`, which is `~/.anet`, oldest first. No supervisor needs to run.
///
/// # Errors
/// When the files are there and cannot be read.
pub fn read_audit_log(home: &Path) -> io::Result<Vec<LocalAuditLine>> {
    AuditLog::new(&Paths::new(home).state_directory).0.read()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
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
        let log = AuditLog(LineLog::new(directory.path(), "audit", 2000));
        (1..=100).for_each(|pid| log.append(&line(pid)).unwrap());
        std::fs::OpenOptions::new().append(true).open(&log.0.newer).unwrap().write_all(b"{\"at\":\n").unwrap();
        let pids: Vec<u32> = log.0.read::<LocalAuditLine>().unwrap().iter().map(|line| line.by.pid).collect();
        assert!(pids.last() == Some(&100) && pids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{pids:?}");
        for path in [&log.0.newer, &log.0.older] {
            let metadata = std::fs::metadata(path).unwrap();
            assert!(metadata.len() <= 2010 && metadata.permissions().mode() & 0o777 == 0o600, "{}", path.display());
        }
    }
}
