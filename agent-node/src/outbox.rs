//! Answers on their way to the hub. Each is on the disk before it is first sent and leaves the
//! disk when the hub has taken it, or has said that nobody waits for it.

mod delivery;

use std::io;
use std::path::PathBuf;

use anet_protocol::rest::{Artifact, Attempt, TaskError};
use anet_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use delivery::run;

use crate::durable_file;
use crate::journal::{file_name, is_file_safe};

/// The directory of undelivered answers, one file each.
pub(crate) struct Outbox {
    dir: PathBuf,
}

/// An answer as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredAnswer {
    /// Whose answer.
    pub(crate) attempt: Attempt,
    /// When it was known.
    pub(crate) answered_at: Timestamp,
    /// What it says.
    pub(crate) answer: Answer,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// A result.
    Reply { text: String, artifacts: Vec<Artifact> },
    /// None; with `give_back` the task goes back to the queue, else this is how it ends.
    Fail { error: TaskError, give_back: bool },
}

impl Outbox {
    /// Opens the outbox in `dir`, which is made if it is missing.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        durable_file::prepare_dir(&dir)?;
        Ok(Self { dir })
    }

    /// Puts an answer on the disk.
    pub(crate) fn store(&self, answer: &StoredAnswer) -> io::Result<()> {
        durable_file::write(&self.dir, &file_name(&answer.attempt), &serde_json::to_vec(answer)?)
    }

    /// Reads an answer back.
    pub(crate) fn load(&self, attempt: &Attempt) -> io::Result<StoredAnswer> {
        Ok(serde_json::from_slice(&std::fs::read(self.dir.join(file_name(attempt)))?)?)
    }

    /// Removes an answer.
    pub(crate) fn remove(&self, attempt: &Attempt) -> io::Result<()> {
        durable_file::remove(&self.dir, &file_name(attempt))
    }

    /// The attempts whose answers are here. A file that is none is set aside under another name.
    pub(crate) fn attempts(&self) -> io::Result<Vec<Attempt>> {
        let mut attempts = Vec::new();
        for name in durable_file::names(&self.dir)? {
            let path = self.dir.join(&name);
            let stored: Result<StoredAnswer, _> = serde_json::from_slice(&std::fs::read(&path)?);
            match stored {
                Ok(stored) if is_file_safe(stored.attempt.task_id.as_str()) && name == file_name(&stored.attempt) => {
                    attempts.push(stored.attempt);
                }
                _ => {
                    tracing::error!(file = %path.display(), "not an answer; it is kept as {name}.broken");
                    std::fs::rename(&path, self.dir.join(format!("{name}.broken")))?;
                }
            }
        }
        Ok(attempts)
    }
}

#[cfg(test)]
mod tests {
    use anet_protocol::id::TaskId;

    use super::*;

    #[test]
    fn a_stored_answer_reads_back_and_a_broken_one_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path().to_owned()).unwrap();
        let attempt = Attempt { task_id: TaskId::from("t1"), attempt: 3 };
        let answer = Answer::Reply { text: "42\n".to_owned(), artifacts: Vec::new() };
        let stored =
            StoredAnswer { attempt: attempt.clone(), answered_at: Timestamp::from_millis(0), answer: answer.clone() };
        outbox.store(&stored).unwrap();
        std::fs::write(dir.path().join("t2.1.json"), b"{}").unwrap();

        let outbox = Outbox::open(dir.path().to_owned()).unwrap();
        assert_eq!(outbox.attempts().unwrap(), std::slice::from_ref(&attempt));
        assert_eq!(outbox.load(&attempt).unwrap().answer, answer);
        assert!(dir.path().join("t2.1.json.broken").exists());
        outbox.remove(&attempt).unwrap();
        assert_eq!(outbox.attempts().unwrap(), []);
    }
}
