//! From raw files to the log, in steps that happen wholly or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use anet_protocol::Clock;
use anet_protocol::redaction::Redactor;
use anet_protocol::time::Timestamp;

use super::Outputs;
use super::kept_log::{self, LOG, LogLimits};
use super::position::Position;
use super::raw_file::{self, OutputStream, RawName};
use super::reading::Reading;
use crate::logs::last_words::last_words;
use crate::paths::ensure_private_directory;
use crate::rotation::LogRotation;

/// A step that has so many bytes for the log ends.
const ENOUGH: usize = 1024 * 1024;

/// Keeps the output of one process. Between two steps no file is open.
pub(super) struct Collector {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    rotation: LogRotation,
    redactor: Arc<Redactor>,
    limits: LogLimits,
    /// As it is on disk; absent before the first look.
    position: Option<Position>,
    readings: BTreeMap<RawName, Reading>,
    /// The start whose process may still write.
    current: Option<u64>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    /// Something was kept or dropped.
    pub(super) took: bool,
    /// There is more to be read at once.
    pub(super) is_more: bool,
    /// A new log was begun.
    pub(super) rotated: bool,
}

/// A raw file that a step read.
struct Visited {
    name: RawName,
    path: PathBuf,
    file: File,
    is_finished: bool,
}

impl Collector {
    pub(super) fn new(directory: PathBuf, clock: Arc<dyn Clock>, rotation: LogRotation) -> Self {
        Self {
            directory,
            clock,
            rotation,
            redactor: Arc::default(),
            limits: LogLimits { max_bytes: u64::MAX, files: 1 },
            position: None,
            readings: BTreeMap::new(),
            current: None,
        }
    }

    /// Where the raw files are.
    pub(super) fn unread(&self) -> PathBuf {
        self.directory.join(raw_file::UNREAD)
    }

    fn position_path(&self) -> PathBuf {
        self.unread().join("position")
    }

    /// Makes the files of the next start.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(super) fn open(&mut self, wanted: u64, redactor: Redactor, limits: LogLimits) -> io::Result<Outputs> {
        self.prepare(redactor, limits);
        let unread = self.unread();
        ensure_private_directory(&unread)?;
        let last = raw_file::list(&unread)?.last().map_or(0, |(name, _)| name.incarnation);
        let mut position = self.load()?.clone();
        let incarnation = wanted.max(position.incarnation + 1).max(last + 1);
        let create = |stream| raw_file::create(&unread.join(RawName { incarnation, stream }.file_name()));
        let outputs = Outputs { out: create(OutputStream::Out)?, err: create(OutputStream::Err)? };
        position.incarnation = incarnation;
        position.log = Some(kept_log::end(&self.directory)?);
        position.save(&self.position_path())?;
        self.position = Some(position);
        self.current = Some(incarnation);
        Ok(outputs)
    }

    /// Finds the files of a process that lives.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(super) fn adopt(&mut self, redactor: Redactor, limits: LogLimits) -> io::Result<()> {
        self.prepare(redactor, limits);
        self.current = raw_file::list(&self.unread())?.last().map(|(name, _)| name.incarnation);
        Ok(())
    }

    fn prepare(&mut self, redactor: Redactor, limits: LogLimits) {
        self.redactor = Arc::new(redactor);
        self.limits = limits;
        // What an earlier supervisor did not finish, or did not know.
        self.compress();
    }

    /// Compresses older logs, soon.
    pub(super) fn compress(&self) {
        self.rotation.compress(&self.directory.join(LOG));
    }

    /// Nobody writes any more.
    pub(super) fn end_current(&mut self) {
        self.current = None;
    }

    /// The last lines of the current start.
    pub(super) fn last_words(&self, since: Option<Timestamp>) -> Option<String> {
        last_words(&self.directory, self.current?, since)
    }

    fn load(&mut self) -> io::Result<&Position> {
        if self.position.is_none() {
            let position = Position::load(&self.position_path())?;
            kept_log::recover(&self.directory, position.log)?;
            return Ok(self.position.insert(position));
        }
        // Never absent here; an empty one would be read anew.
        Ok(self.position.get_or_insert_default())
    }

    /// Keeps some of what was written. With `ends_lines` half lines count as whole.
    ///
    /// # Errors
    /// When a file cannot be read or written; everything is as before then.
    pub(super) fn step(&mut self, ends_lines: bool) -> io::Result<Step> {
        let files = raw_file::list(&self.unread())?;
        if files.is_empty() {
            return Ok(Step::default());
        }
        let step = self.collect(files, ends_lines);
        if step.is_err() {
            // What is in memory may be ahead of what is on disk.
            self.readings.clear();
        }
        step
    }

    fn collect(&mut self, files: Vec<(RawName, PathBuf)>, ends_lines: bool) -> io::Result<Step> {
        let before = self.load()?.clone();
        let mut position = before.clone();
        let mut batch = Vec::new();
        let mut step = Step::default();
        let mut visited = Vec::new();
        for (name, path) in files {
            let is_current = self.current == Some(name.incarnation);
            let file = raw_file::open(&path)?;
            let key = name.file_name();
            let reading = self
                .readings
                .entry(name)
                .or_insert_with(|| Reading::resume(&file, before.streams.get(&key), Arc::clone(&self.redactor)));
            let prefix = format!("{} {} {} ", self.clock.now().to_rfc3339(), name.stream.word(), name.incarnation);
            let mut keep = |line: &str| {
                for part in [prefix.as_bytes(), line.as_bytes(), b"\n"] {
                    batch.extend_from_slice(part);
                }
                batch.len() < ENOUGH
            };
            let is_at_end = reading.take(&file, &mut keep)?;
            if is_at_end
                && (ends_lines || !is_current)
                && let Some(line) = reading.flush()
            {
                keep(&line);
            }
            position.streams.insert(key, reading.position());
            step.is_more |= !is_at_end;
            let is_finished = is_at_end && !is_current;
            visited.push(Visited { name, path, file, is_finished });
            if !is_at_end && !is_current {
                // What an earlier start wrote comes first.
                break;
            }
        }
        step.took = position != before;
        if step.took {
            if !batch.is_empty() {
                let appended = kept_log::append(&self.directory, &self.rotation, self.limits, &batch)?;
                position.log = Some(appended.end);
                step.rotated = appended.rotated;
            }
            position.save(&self.position_path())?;
            self.position = Some(position.clone());
        }
        self.release(&before, position, visited)?;
        Ok(step)
    }

    /// Gives back to the disk what is kept.
    fn release(&mut self, before: &Position, mut position: Position, visited: Vec<Visited>) -> io::Result<()> {
        for visited in visited {
            let key = visited.name.file_name();
            if visited.is_finished {
                std::fs::remove_file(&visited.path)?;
                self.readings.remove(&visited.name);
                position.streams.remove(&key);
                continue;
            }
            let offset = |position: &Position| position.streams.get(&key).map_or(0, |stream| stream.offset);
            let (from, to) = (offset(before), offset(&position));
            if to > from {
                raw_file::release(&visited.file, from, to)?;
            }
        }
        // What was forgotten here is written with the next step.
        self.position = Some(position);
        Ok(())
    }
}
