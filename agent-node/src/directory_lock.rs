//! At most one process works from a state directory, and a new run knows which earlier ones are dead.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anet_protocol::id::InstanceId;
use anet_protocol::rest::PREVIOUS_RUNS;
use serde::{Deserialize, Serialize};

use crate::durable_file;
use crate::settings::Settings;

/// The file that is locked, with flock(2). It stays empty and is never removed: its inode is what runs are compared by.
const LOCK: &str = "lock";

/// The file that says who has held the lock.
const RECORD: &str = "runs.json";

/// How long a held lock is tried again: a child that this or the last run has forked shares the lock until its exec.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// The lock of a state directory; dropping it, or dying, gives it up.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _held: File,
    previous: Vec<InstanceId>,
}

/// Why a run may not work from a directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another process does.
    #[error("another process works from {}: {holder}", dir.display())]
    Held { dir: PathBuf, holder: String },
    /// The lock cannot be taken, or what it is for not be written down.
    #[error("{} cannot be locked", dir.display())]
    Io {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The last runs that have held the lock, the newest last.
#[derive(Serialize, Deserialize)]
struct Record {
    /// The lock file's identity. A copy of the directory has another one, and so has a lock that was made anew: a
    /// number is not given again while a living run has the file open.
    device: u64,
    inode: u64,
    /// The machine: inode numbers are its own.
    hostname: String,
    /// The newest run's process.
    pid: u32,
    runs: Vec<InstanceId>,
}

impl DirectoryLock {
    /// Takes the lock of `settings.state_dir`, which is made if it is missing, and writes this run down.
    pub(crate) async fn take(settings: &Settings) -> Result<Self, LockError> {
        let dir = &settings.state_dir;
        let failed = |source| LockError::Io { dir: dir.clone(), source };
        let file = open(dir).map_err(failed)?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { dir: dir.clone(), holder: holder(dir) });
                }
            }
        }
        let previous = write_down(&file, settings).map_err(failed)?;
        Ok(Self { _held: file, previous })
    }

    /// Earlier runs that are dead, because each of them held this very lock until it died; the newest last.
    pub(crate) fn previous(&self) -> &[InstanceId] {
        &self.previous
    }
}

fn open(dir: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(LOCK))
}

/// Adds this run to the record, before the hub hears of it: whatever moment it dies at, the run that the hub knows
/// is in the next one's record.
fn write_down(lock: &File, settings: &Settings) -> io::Result<Vec<InstanceId>> {
    let dir = &settings.state_dir;
    durable_file::prepare_dir(dir)?;
    let metadata = lock.metadata()?;
    let own = Record {
        device: metadata.dev(),
        inode: metadata.ino(),
        hostname: settings.hostname.clone(),
        pid: settings.pid,
        runs: Vec::new(),
    };
    let mut previous = read(dir).filter(|record| record.is_of(&own)).map_or_else(Vec::new, |record| record.runs);
    previous.retain(|run| *run != settings.instance_id);
    previous.drain(..previous.len().saturating_sub(PREVIOUS_RUNS));
    let runs = previous.iter().chain([&settings.instance_id]).cloned().collect();
    durable_file::write(dir, RECORD, &serde_json::to_vec(&Record { runs, ..own })?)?;
    Ok(previous)
}

impl Record {
    /// Whether its runs held the same lock as those of `other`.
    fn is_of(&self, other: &Self) -> bool {
        (self.device, self.inode, &self.hostname) == (other.device, other.inode, &other.hostname)
    }
}

/// The record. One that cannot be read proves nothing, as one that is missing.
fn read(dir: &Path) -> Option<Record> {
    let path = dir.join(RECORD);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the record of earlier runs cannot be read");
            return None;
        }
    };
    serde_json::from_slice(&bytes)
        .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "the record of earlier runs is broken"))
        .ok()
}

fn holder(dir: &Path) -> String {
    read(dir).map_or_else(
        || "it has not yet written down which".to_owned(),
        |record| format!("pid {} on {}", record.pid, record.hostname),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::behaviour::settings;

    fn run(dir: &Path, instance: u32) -> Settings {
        let instance_id = InstanceId::from(format!("i_{instance}"));
        Settings { state_dir: dir.join("work"), instance_id, pid: 4000 + instance, ..settings() }
    }

    async fn previous_of(settings: &Settings) -> Vec<String> {
        let lock = DirectoryLock::take(settings).await.unwrap();
        lock.previous().iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn a_second_process_is_refused_and_told_who_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirectoryLock::take(&run(dir.path(), 1)).await.unwrap();
        let refused = DirectoryLock::take(&run(dir.path(), 2)).await.unwrap_err();
        let place = dir.path().join("work").display().to_string();
        assert_eq!(refused.to_string(), format!("another process works from {place}: pid 4001 on here"));
        drop(first);
        assert_eq!(previous_of(&run(dir.path(), 3)).await, ["i_1"], "who was refused has left nothing");
    }

    #[tokio::test]
    async fn the_runs_before_are_known_and_only_so_many_of_them() {
        let dir = tempfile::tempdir().unwrap();
        for instance in 0..20 {
            previous_of(&run(dir.path(), instance)).await;
        }
        let last: Vec<String> = (4..20).map(|instance| format!("i_{instance}")).collect();
        assert_eq!(previous_of(&run(dir.path(), 20)).await, last);
        assert_eq!(previous_of(&run(dir.path(), 20)).await, last, "no run calls itself dead");
    }

    #[tokio::test]
    async fn a_copy_of_the_directory_claims_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let alive = DirectoryLock::take(&run(dir.path(), 1)).await.unwrap();
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("work")).unwrap();
        for name in [LOCK, RECORD] {
            fs::copy(dir.path().join("work").join(name), copy.path().join("work").join(name)).unwrap();
        }
        assert_eq!(previous_of(&run(copy.path(), 2)).await, [] as [&str; 0]);
        assert_eq!(previous_of(&run(copy.path(), 3)).await, ["i_2"], "from then on it has its own record");
        drop(alive);
    }

    #[tokio::test]
    async fn a_lock_file_that_was_removed_under_a_living_run_proves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let alive = DirectoryLock::take(&run(dir.path(), 1)).await.unwrap();
        fs::remove_file(dir.path().join("work").join(LOCK)).unwrap();
        assert_eq!(previous_of(&run(dir.path(), 2)).await, [] as [&str; 0]);
        drop(alive);
    }

    #[tokio::test]
    async fn another_machine_or_a_broken_record_proves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        previous_of(&run(dir.path(), 1)).await;
        let elsewhere = Settings { hostname: "there".to_owned(), ..run(dir.path(), 2) };
        assert_eq!(previous_of(&elsewhere).await, [] as [&str; 0]);
        fs::write(dir.path().join("work").join(RECORD), b"{").unwrap();
        assert_eq!(previous_of(&elsewhere).await, [] as [&str; 0]);
    }
}
