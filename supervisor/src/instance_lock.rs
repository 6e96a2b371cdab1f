//! One supervisor per home: a lock held for life on a file that is never unlinked (R28).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use crate::error::SupervisorError;
use crate::system::process_entry::ProcessEntry;

/// Held until dropped. The kernel lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    file: File,
}

impl InstanceLock {
    /// Takes the lock, or says who holds it. `inherited` is the locked file that an upgrade has left open.
    ///
    /// # Errors
    /// [`SupervisorError::AlreadyRunning`] when it is held.
    pub(crate) fn acquire(path: &Path, inherited: Option<OwnedFd>) -> Result<Self, SupervisorError> {
        if let Some(file) = inherited.map(File::from).filter(|file| is_at(file, path)) {
            // The program before this one has locked it; a lock belongs to the open file, not to the program.
            return Ok(Self { file });
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(SupervisorError::file("open the lock", path))?;
        match try_lock(&mut file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The pid is for people; a holder that has not written it yet is still a holder.
                let pid = file
                    .rewind()
                    .and_then(|()| file.read_to_string(&mut text))
                    .ok()
                    .and_then(|_| text.trim().parse().ok());
                return Err(SupervisorError::AlreadyRunning { lock: path.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => {
                return Err(SupervisorError::file("lock", path)(source));
            }
        }
        write_pid(&mut file).map_err(SupervisorError::file("write the process id into", path))?;
        Ok(Self { file })
    }
}

/// How often a lock is tried again whose holder is dead, and how long between.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock. A supervisor that was killed between fork and exec of a child leaves it to that child until the exec
/// closes it, so a lock whose holder is dead is waited for.
fn try_lock(file: &mut File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if is_holder_dead(file) => std::thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
    file.try_lock()
}

fn is_holder_dead(file: &mut File) -> bool {
    let mut text = String::new();
    let pid = file.rewind().and_then(|()| file.read_to_string(&mut text)).ok().and_then(|_| text.trim().parse().ok());
    pid.is_some_and(|pid| ProcessEntry::read(pid).is_none_or(|entry| entry.is_dead))
}

impl Drop for InstanceLock {
    /// A child that is between fork and exec has a copy of the descriptor, with which it would keep the lock.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the lock is given back only when its last copy is closed");
        }
    }
}

impl AsFd for InstanceLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(identity).ok() == std::fs::metadata(path).map(identity).ok()
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_is_first_and_the_file_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let first = InstanceLock::acquire(&path, None).unwrap();
        let Err(SupervisorError::AlreadyRunning { pid, .. }) = InstanceLock::acquire(&path, None) else {
            panic!("two holders of one lock");
        };
        assert_eq!(pid, Some(std::process::id()));
        drop(first);
        assert!(path.exists());
        InstanceLock::acquire(&path, None).unwrap();
    }

    #[test]
    fn a_copy_of_the_descriptor_in_a_child_keeps_no_lock_that_was_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let first = InstanceLock::acquire(&path, None).unwrap();
        let _copy = first.file.try_clone().unwrap();
        drop(first);
        InstanceLock::acquire(&path, None).unwrap();
    }
}
