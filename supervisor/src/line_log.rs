//! A log of documents: one of JSON a line, in two files of bounded size that their owner alone can read.
//!
//! Nothing is synced to the disk: a line survives the supervisor's death, and not a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The two files.
#[derive(Debug)]
pub(crate) struct LineLog {
    pub(crate) newer: PathBuf,
    pub(crate) older: PathBuf,
    /// In bytes: a file longer than this becomes the older one, and the one that was so is gone.
    pub(crate) longest: u64,
}

impl LineLog {
    /// `name.jsonl` and `name.1.jsonl` in a directory, which need not be there yet.
    pub(crate) fn new(directory: &Path, name: &str, longest: u64) -> Self {
        let file = |ending: &str| directory.join(format!("{name}.{ending}"));
        Self { newer: file("jsonl"), older: file("1.jsonl"), longest }
    }

    /// Adds a line. The caller lets in one at a time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&self, document: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(document)?;
        line.push(b'\n');
        let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(&self.newer);
        let mut file = open()?;
        if file.metadata()?.len() + line.len() as u64 > self.longest {
            std::fs::rename(&self.newer, &self.older)?;
            file = open()?;
        }
        file.write_all(&line)
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
