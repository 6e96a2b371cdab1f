//! The log of a long-lived process: written by the process itself, capped in size, free of secrets.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anet_protocol::redaction::Redactor;
use anet_supervisor::LogRotation;
use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::files;

/// A log of this many bytes is put away, and a new one is begun.
const MAX_BYTES: u64 = 10 * 1024 * 1024;

/// How many there are, with the older ones (R63: 10 MB × 5).
const FILES: u32 = 5;

/// A log file that rotates by size and masks secrets.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    redactor: Redactor,
    rotation: LogRotation,
    max_bytes: u64,
    open: Mutex<OpenLog>,
}

#[derive(Debug)]
struct OpenLog {
    file: File,
    bytes: u64,
}

fn open(path: &Path) -> io::Result<OpenLog> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let bytes = file.metadata()?.len();
    Ok(OpenLog { file, bytes })
}

impl LogFile {
    /// Opens the log at `path`, masking the values that `redactor` knows.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open(path: PathBuf, redactor: Redactor) -> anyhow::Result<Self> {
        if let Some(directory) = path.parent() {
            files::create_private_directory(directory)?;
        }
        let open = open(&path).with_context(|| format!("cannot open the log {}", path.display()))?;
        let rotation = LogRotation::default();
        rotation.compress(&path);
        Ok(Self { path, redactor, rotation, max_bytes: MAX_BYTES, open: Mutex::new(open) })
    }

    fn rotate(&self, log: &mut OpenLog) -> io::Result<()> {
        self.rotation.rotate(&self.path, FILES)?;
        *log = open(&self.path)?;
        self.rotation.compress(&self.path);
        Ok(())
    }

    /// Appends one line, which must be whole: secrets are found within a line.
    fn append(&self, line: &str) -> io::Result<()> {
        let mut log = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if log.bytes >= self.max_bytes {
            self.rotate(&mut log)?;
        }
        let clean = self.redactor.redact(line);
        log.file.write_all(clean.as_bytes())?;
        log.bytes += clean.len() as u64;
        Ok(())
    }
}

/// One event's worth of output, appended when it is complete.
#[derive(Debug)]
pub(crate) struct LogLineWriter<'log> {
    log: &'log LogFile,
    line: Vec<u8>,
}

impl Write for LogLineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.line.is_empty() {
            return Ok(());
        }
        let line = std::mem::take(&mut self.line);
        self.log.append(&String::from_utf8_lossy(&line))
    }
}

impl Drop for LogLineWriter<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            // The log itself is what failed, so the last resort is the process's own stderr.
            writeln!(io::stderr(), "cannot write the log {}: {error}", self.log.path.display()).unwrap_or_default();
        }
    }
}

impl<'log> MakeWriter<'log> for LogFile {
    type Writer = LogLineWriter<'log>;

    fn make_writer(&'log self) -> Self::Writer {
        LogLineWriter { log: self, line: Vec::new() }
    }
}

/// Sends everything this process logs to `path`, in UTC, filtered by `filter` (`ANET_LOG`).
///
/// # Errors
/// When the log cannot be opened or the filter is not one.
pub(crate) fn start_logging(path: PathBuf, redactor: Redactor, filter: &str) -> anyhow::Result<()> {
    let log = LogFile::open(path, redactor)?;
    let filter = EnvFilter::try_new(filter).with_context(|| format!("ANET_LOG={filter} is not a log filter"))?;
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(log)
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_full_log_rotates_and_older_ones_are_compressed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("node.log");
        let mut log = LogFile::open(path.clone(), Redactor::default()).unwrap();
        log.max_bytes = 64;
        for number in 0..20 {
            log.append(&format!("line number {number:02} of the log\n")).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap().ends_with("line number 19 of the log\n"));
        let entries = || fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        // Another thread compresses them meanwhile.
        while !["node.log.1.gz", "node.log.4.gz"].iter().all(|name| entries().any(|entry| entry == *name)) {
            std::thread::yield_now();
        }
        assert!(entries().all(|entry| !entry.to_string_lossy().contains(".log.5")));
    }

    #[test]
    fn a_secret_split_over_two_writes_is_still_masked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("node.log");
        let log = LogFile::open(path.clone(), Redactor::new([secrecy::SecretString::from("correct-horse")])).unwrap();
        let mut writer = log.make_writer();
        writer.write_all(b"key correct-").unwrap();
        writer.write_all(b"horse ends\n").unwrap();
        drop(writer);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("horse") && text.contains("ends"), "{text}");
    }
}
