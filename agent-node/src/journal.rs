use std::io;
use std::path::{Path, PathBuf};

use anet_protocol::id::InstanceId;
use anet_protocol::rest::{Attempt, ClaimedTask};
use anet_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::durable_file;

/// The tasks this node has accepted and not yet answered, one file each.
///
/// A file that is found at start belongs to a run that died: its task goes back to the hub, and
/// what it left on the machine is cleared away.
pub(crate) struct Journal {
    dir: PathBuf,
}

/// One accepted attempt.
#[derive(Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// The run that accepted it.
    pub(crate) instance_id: InstanceId,
    /// When.
    pub(crate) since: Timestamp,
    /// What.
    pub(crate) task: ClaimedTask,
}

impl Journal {
    /// Opens the journal in `dir`, which is made if it is missing.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        durable_file::prepare_dir(&dir)?;
        Ok(Self { dir })
    }

    /// Puts an attempt on the disk.
    pub(crate) fn add(&self, accepted: &Accepted) -> io::Result<()> {
        let attempt = Attempt { task_id: accepted.task.task_id.clone(), attempt: accepted.task.attempt };
        durable_file::write(&self.dir, &file_name(&attempt), &serde_json::to_vec(accepted)?)
    }

    /// Strikes an attempt off.
    pub(crate) fn remove(&self, attempt: &Attempt) -> io::Result<()> {
        durable_file::remove(&self.dir, &file_name(attempt))
    }

    /// Everything an earlier run left. A file that cannot be read is removed: its task is the hub's again anyway.
    pub(crate) fn leftovers(&self) -> io::Result<Vec<Accepted>> {
        let mut leftovers = Vec::new();
        for name in durable_file::names(&self.dir)? {
            match read(&self.dir.join(&name)) {
                Ok(accepted) => leftovers.push(accepted),
                Err(error) => {
                    tracing::error!(file = name, %error, "an unreadable journal file is removed");
                    durable_file::remove(&self.dir, &name)?;
                }
            }
        }
        Ok(leftovers)
    }
}

fn read(path: &Path) -> io::Result<Accepted> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// The file of an attempt, in the journal and in the outbox.
pub(crate) fn file_name(attempt: &Attempt) -> String {
    format!("{}.{}.json", attempt.task_id, attempt.attempt)
}

/// Whether an id may be a part of a file name: a hub must not choose where a node writes.
pub(crate) fn is_file_safe(id: &str) -> bool {
    (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_leads_out_of_the_directory_is_not_file_safe() {
        assert!(is_file_safe("0192f3a4-b5c6-4d7e-8f90-123456789abc"));
        for id in ["", "..", "../x", "/etc/passwd", "a/b", "a.b", "a\0b", "ü", &"x".repeat(201)] {
            assert!(!is_file_safe(id), "{id}");
        }
    }

    #[test]
    fn a_broken_file_is_removed_and_the_others_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path().to_owned()).unwrap();
        let accepted = Accepted {
            instance_id: InstanceId::from("i_1"),
            since: Timestamp::from_millis(0),
            task: crate::behaviour::task("t1", 2, "count"),
        };
        journal.add(&accepted).unwrap();
        std::fs::write(dir.path().join("t2.1.json"), b"{").unwrap();
        let leftovers = journal.leftovers().unwrap();
        assert_eq!(leftovers.len(), 1);
        assert_eq!((leftovers[0].task.task_id.as_str(), leftovers[0].task.attempt), ("t1", 2));
        assert_eq!(durable_file::names(dir.path()).unwrap(), ["t1.2.json"]);
    }
}
