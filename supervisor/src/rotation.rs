//! Logs that are begun anew when they are large, and compressed when nobody writes them any more (R63).
//!
//! `node.log` becomes `node.log.1`, and that `node.log.2`; soon after, `node.log.1.gz`. A number is never given
//! to another log while one is compressed, and the plain one is deleted only after the other is on the disk.

mod compress;
mod compressed_log;
mod log_id;
mod member;
mod older;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::{Flock, FlockArg};

use compress::Staging;
pub(crate) use compressed_log::CompressedLog;
pub(crate) use log_id::LogId;
pub(crate) use older::{id_of, is_compressed, is_older, numbered, older};

/// Rotates logs, and compresses older ones, one after the other on a thread that is there only for that.
/// Each process has one for all the logs that it rotates.
#[derive(Clone, Debug, Default)]
pub struct LogRotation(Arc<Mutex<Queue>>);

/// The logs that have something to be compressed.
#[derive(Debug, Default)]
struct Queue {
    logs: BTreeSet<PathBuf>,
    is_taken: bool,
}

impl LogRotation {
    /// Moves `log` out of the way of a new one. `files` are kept, the new one among them.
    ///
    /// # Errors
    /// When one cannot be renamed or deleted.
    pub fn rotate(&self, log: &Path, files: u32) -> io::Result<()> {
        let _names = lock_names(log)?;
        older::remove_doubles(log)?;
        for older in older(log).into_iter().rev() {
            if older.number.saturating_add(1) >= files {
                std::fs::remove_file(older.path)?;
            } else {
                let name = if older.is_compressed { older::compressed } else { numbered };
                std::fs::rename(older.path, name(log, older.number + 1))?;
            }
        }
        if files < 2 { std::fs::remove_file(log) } else { std::fs::rename(log, numbered(log, 1)) }
    }

    /// Compresses what `log` was rotated into, at once.
    #[cfg(test)]
    pub(crate) fn compress_now(&self, log: &Path) {
        compress_older(log).unwrap();
    }

    /// Compresses what `log` was rotated into, soon. Does nothing where there is nothing to be done.
    pub fn compress(&self, log: &Path) {
        // A compression that was cut off, or none yet: the newest is the last one to be compressed.
        if !numbered(log, 1).exists() && !compress::staging_path(log).exists() {
            return;
        }
        let mut queue = locked(&self.0);
        queue.logs.insert(log.to_owned());
        if queue.is_taken {
            return;
        }
        let waiting = Arc::clone(&self.0);
        match std::thread::Builder::new().name("log-compressor".to_owned()).spawn(move || work(&waiting)) {
            Ok(_) => queue.is_taken = true,
            // They stay as they are until the next one is rotated.
            Err(error) => tracing::warn!(%error, "no thread to compress logs on"),
        }
    }
}

fn work(queue: &Mutex<Queue>) {
    give_way();
    while let Some(log) = next(queue) {
        if let Err(error) = compress_older(&log) {
            tracing::warn!(log = %log.display(), %error, "an older log cannot be compressed, and stays as it is");
        }
    }
}

/// The next log; where there is none this thread ends.
fn next(queue: &Mutex<Queue>) -> Option<PathBuf> {
    let mut queue = locked(queue);
    let next = queue.logs.pop_first();
    queue.is_taken = next.is_some();
    next
}

/// Oldest first, so that where the newest is compressed all are. One that a death left beside a compressed one is
/// compressed once more, in its place.
fn compress_older(log: &Path) -> io::Result<()> {
    while let Some(older) = older(log).into_iter().rev().find(|older| !older.is_compressed) {
        // Another process does it already.
        let Some(staging) = Staging::begin(log)? else { return Ok(()) };
        let staged = match staging.fill(&older.path) {
            // Rotated or deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            staged => staged?,
        };
        if let Some(staged) = staged {
            let _names = lock_names(log)?;
            staged.put_in_place(log)?;
        }
    }
    if compress::staging_path(log).exists()
        && let Some(left) = Staging::begin(log)?
    {
        left.remove()?;
    }
    Ok(())
}

/// Held while a log's number is given to another, by this process or another one.
fn lock_names(log: &Path) -> io::Result<Flock<File>> {
    lock_directory(log, FlockArg::LockExclusive)
}

/// While it is held, no name in the directory of this log is given to another file.
///
/// # Errors
/// When the directory cannot be opened.
pub(crate) fn keep_names(log: &Path) -> io::Result<impl Sized> {
    lock_directory(log, FlockArg::LockShared)
}

fn lock_directory(log: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    let directory = File::open(log.parent().unwrap_or(log))?;
    Flock::lock(directory, how).map_err(|(_, error)| error.into())
}

fn locked(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody waits for what this thread does.
#[cfg(target_os = "linux")]
fn give_way() {
    // Of this thread alone: on Linux each has a niceness of its own (setpriority(2)).
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "logs are compressed with ordinary priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}
