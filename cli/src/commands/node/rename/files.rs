//! The node's side of a rename: its directory, its `config.json`, and the lock that says whether a run of it lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anet_protocol::node_config::derive_node_id;
use anyhow::Context as _;

use crate::environment::node_directory;
use crate::failure::Failure;
use crate::files;
use crate::node_files;

/// Where the node is and where it goes.
#[derive(Debug)]
pub(super) struct Side {
    pub project: PathBuf,
    pub old: String,
    pub new: String,
}

impl Side {
    pub(super) fn new(project: PathBuf, old: &str, new: &str) -> Self {
        Self { project, old: old.to_owned(), new: new.to_owned() }
    }

    fn at(&self, name: &str) -> PathBuf {
        node_directory(&self.project, name)
    }

    /// Whether the directory has its new name.
    fn is_moved(&self) -> bool {
        !self.at(&self.old).is_dir() && self.at(&self.new).is_dir()
    }

    /// The node's directory, wherever it is now.
    pub(super) fn directory(&self) -> PathBuf {
        self.at(if self.is_moved() { &self.new } else { &self.old })
    }

    /// Refuses a name that a node of this project answers to.
    pub(super) fn refuse_duplicate(&self) -> Result<(), Failure> {
        let taken = |name: &str| -> Result<bool, Failure> {
            // A broken file answers to nothing but its directory's name.
            Ok(name == self.new
                || node_files::read_config(&self.at(name))
                    .is_ok_and(|config| config.alias() == Some(self.new.as_str())))
        };
        for name in node_files::names(&self.project)? {
            if name != self.old && taken(&name)? {
                return Err(Failure::message(format!(
                    "there is already a node {} in {}",
                    self.new,
                    self.at(&name).display()
                ))
                .hint("choose another name"));
            }
        }
        Ok(())
    }

    /// Gives directory and `config.json` the new name; what is done already is left.
    pub(super) fn move_forward(&self) -> Result<(), Failure> {
        if !self.is_moved() {
            self.rename(&self.old, &self.new)?;
        }
        self.write_name(&self.new)
    }

    /// Gives directory and `config.json` their old names; what was not changed is left.
    pub(super) fn move_back(&self, old_alias: &str) -> Result<(), Failure> {
        if !self.is_moved() {
            return Ok(());
        }
        self.write_name(old_alias)?;
        self.rename(&self.new, &self.old)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        let (from, to) = (self.at(from), self.at(to));
        // rename(2) would replace an empty directory without a word.
        if to.exists() {
            return Err(Failure::message(format!("{} is already there", to.display())));
        }
        let act = || -> std::io::Result<()> {
            std::fs::rename(&from, &to)?;
            File::open(self.project.join(".anet/nodes"))?.sync_all()
        };
        Ok(act().with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?)
    }

    fn write_name(&self, alias: &str) -> Result<(), Failure> {
        let directory = self.directory();
        let mut config = node_files::read_config(&directory)?;
        if config.node_id().is_none() {
            // Without one it is derived from the directory's name, and would change with it.
            config.set_node_id(&derive_node_id(&self.old));
        }
        config.set_alias(alias);
        Ok(files::write_private(&directory.join("config.json"), &config.to_text())?)
    }
}

/// The lock that every run of the node holds. It belongs to the file, so it moves with the directory.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes it, and so proves that no run lives; `None` where the node has never run.
    pub(super) fn take(directory: &Path) -> Result<Option<Self>, Failure> {
        let path = directory.join("work/lock");
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("cannot open {}", path.display()))?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Err(Failure::message(format!(
                "a run of the node that this supervisor does not watch holds {}",
                path.display()
            ))
            .hint("a run of an earlier supervisor is taken over by `anet supervisor start`; stop one by hand")),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display()))?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Record;
    use super::*;

    const CONFIG: &str = r#"{"node_name":"old","alias":"old","hub_note":{"kept":[1,2]},"token":"ntok_x"}"#;

    /// A project with the node `old`, which has run before.
    fn project() -> (tempfile::TempDir, Side) {
        let project = tempfile::tempdir().unwrap();
        let side = Side::new(project.path().to_path_buf(), "old", "new");
        std::fs::create_dir_all(side.at("old").join("work")).unwrap();
        std::fs::write(side.at("old").join("work/lock"), "").unwrap();
        std::fs::write(side.at("old").join("config.json"), CONFIG).unwrap();
        (project, side)
    }

    fn config(side: &Side) -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(side.directory().join("config.json")).unwrap()).unwrap()
    }

    #[test]
    fn a_rename_changes_the_name_and_keeps_everything_else() {
        let (_project, side) = project();
        side.move_forward().unwrap();
        assert_eq!(side.directory(), side.at("new"));
        let moved = config(&side);
        assert_eq!((&moved["node_name"], &moved["alias"]), (&"new".into(), &"new".into()));
        assert_eq!((&moved["hub_note"]["kept"][1], &moved["token"]), (&2.into(), &"ntok_x".into()));
        assert_eq!(moved["node_id"], derive_node_id("old"), "the identity does not follow the name");
        side.move_forward().unwrap();
        assert_eq!(config(&side), moved, "once more changes nothing");
    }

    #[test]
    fn a_rename_that_is_put_back_leaves_the_old_name() {
        let (_project, side) = project();
        side.move_back("old").unwrap();
        assert!(config(&side).get("node_id").is_none(), "nothing was moved, so nothing is written");
        side.move_forward().unwrap();
        side.move_back("old").unwrap();
        assert_eq!(side.directory(), side.at("old"));
        assert_eq!(config(&side)["node_name"], "old");
        assert!(!side.at("new").exists());
    }

    #[test]
    fn a_name_that_a_node_answers_to_is_refused() {
        let (_project, side) = project();
        side.refuse_duplicate().unwrap();
        std::fs::create_dir_all(side.at("other")).unwrap();
        std::fs::write(side.at("other").join("config.json"), r#"{"node_name":"new"}"#).unwrap();
        assert!(side.refuse_duplicate().is_err(), "by its alias");
        std::fs::remove_dir_all(side.at("other")).unwrap();
        std::fs::create_dir_all(side.at("new")).unwrap();
        assert!(side.refuse_duplicate().is_err(), "by its directory");
        assert!(side.move_forward().is_err(), "and an empty directory is not replaced");
        assert_eq!(config(&side)["node_name"], "old");
    }

    #[test]
    fn the_lock_of_a_living_run_is_respected_and_moves_with_the_directory() {
        let (_project, side) = project();
        let lock = RunLock::take(&side.directory()).unwrap();
        assert!(lock.is_some());
        assert!(RunLock::take(&side.directory()).is_err(), "held");
        side.move_forward().unwrap();
        assert!(RunLock::take(&side.directory()).is_err(), "held at the new place");
        drop(lock);
        assert!(RunLock::take(&side.directory()).unwrap().is_some());
        std::fs::remove_file(side.directory().join("work/lock")).unwrap();
        assert!(RunLock::take(&side.directory()).unwrap().is_none(), "it has never run");
    }

    #[test]
    fn a_begun_rename_is_found_wherever_the_directory_is() {
        let (_project, side) = project();
        let record = Record {
            txn_id: "rtxn_1".into(),
            old: "old".to_owned(),
            new: "new".to_owned(),
            old_alias: "old".to_owned(),
            was_running: true,
        };
        record.save(&side.directory()).unwrap();
        side.move_forward().unwrap();
        assert_eq!(Record::load(&side.directory()).unwrap(), Some(record));
        Record::remove(&side.directory()).unwrap();
        assert_eq!(Record::load(&side.directory()).unwrap(), None);
        Record::remove(&side.directory()).unwrap();
    }
}
