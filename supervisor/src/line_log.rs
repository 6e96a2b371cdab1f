//! A log of documents: one of JSON a line, in two files of bounded size that their owner alone can read.
//!
//! Nothing is synced to the disk: a line survives the supervisor's death, and not a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The two files.
#[derive(Debug)]
pub(crate) struct LineLog {
    pub(crate) newer: PathBuf,
    pub(crate) older: PathBuf,
    /// In bytes: a file longer than this becomes the older one, and the one that was so is gone.
    pub(crate) longest: u64,
    /// The newer file, as long as it is the one that has its name. Held while a line is written.
    open: Mutex<Option<File>>,
}

impl LineLog {
    /// `name.jsonl` and `name.1.jsonl` in a directory, which need not be there yet.
    pub(crate) fn new(directory: &Path, name: &str, longest: u64) -> Self {
        let file = |ending: &str| directory.join(format!("{name}.{ending}"));
        Self { newer: file("jsonl"), older: file("1.jsonl"), longest, open: Mutex::default() }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&self, document: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(document)?;
        line.push(b'\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut file, length) = self.current(open.take())?;
        if length + line.len() as u64 > self.longest {
            std::fs::rename(&self.newer, &self.older)?;
            file = self.begin()?;
        }
        file.write_all(&line)?;
        *open = Some(file);
        Ok(())
    }

    /// The file that has the name now, and its length: somebody may have taken the one that is open away.
    fn current(&self, open: Option<File>) -> io::Result<(File, u64)> {
        if let (Some(file), Ok(named)) = (open, std::fs::metadata(&self.newer)) {
            let held = file.metadata()?;
            if (held.dev(), held.ino()) == (named.dev(), named.ino()) {
                return Ok((file, named.len()));
            }
        }
        let file = self.begin()?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    fn begin(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.newer)
    }

    /// Everything that is kept, oldest first.
    ///
    /// # Errors
    /// When the files are there and cannot be read.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> io::Result<Vec<T>> {
        let mut documents = Vec::new();
        for path in [&self.older, &self.newer] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::new(file).lines() {
                // A line that a power cut or a full disk cut off tells nothing.
                documents.extend(serde_json::from_str::<T>(&line?));
            }
        }
        Ok(documents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_taken_away_or_replaced_gets_no_more_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = LineLog::new(directory.path(), "lines", 1000);
        let count = |path: &Path| std::fs::read_to_string(path).unwrap().lines().count();
        log.append(&1).unwrap();
        log.append(&2).unwrap();
        assert_eq!(count(&log.newer), 2);
        std::fs::remove_file(&log.newer).unwrap();
        log.append(&3).unwrap();
        assert_eq!(log.read::<u32>().unwrap(), [3]);
        let aside = directory.path().join("aside");
        std::fs::rename(&log.newer, &aside).unwrap();
        std::fs::write(&log.newer, "4\n").unwrap();
        log.append(&5).unwrap();
        assert_eq!((log.read::<u32>().unwrap(), count(&aside)), (vec![4, 5], 1));
    }
}
