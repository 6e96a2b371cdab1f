//! `rename.json` in the node's directory: a rename that has begun. It lasts from the hub's promise to keep the new name
//! until everything is done or put back, so that whatever ends the command in between can be made good.

use std::path::{Path, PathBuf};

use anet_protocol::id::RenameId;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// A rename that has begun.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the hub calls it.
    pub txn_id: RenameId,
    /// The directory's name before.
    pub old: String,
    /// The name from then on.
    pub new: String,
    /// The name in `config.json` before.
    pub old_alias: String,
    /// Whether the node is to be started again.
    pub was_running: bool,
}

impl Record {
    /// The rename that was begun in a node's directory.
    pub(super) fn load(directory: &Path) -> Result<Option<Self>, Failure> {
        let path = path(directory);
        let Some(text) = files::read_optional(&path)? else { return Ok(None) };
        Ok(Some(serde_json::from_str(&text).with_context(|| format!("{} is not understood", path.display()))?))
    }

    /// Writes it down.
    pub(super) fn save(&self, directory: &Path) -> Result<(), Failure> {
        Ok(files::write_private(&path(directory), &format!("{}\n", serde_json::to_string_pretty(self)?))?)
    }

    /// Forgets it.
    pub(super) fn remove(directory: &Path) -> Result<(), Failure> {
        let path = path(directory);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot delete {}", path.display()))?
            }
            _ => Ok(()),
        }
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("rename.json")
}
