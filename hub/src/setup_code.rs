//! What proves, on a hub that others can reach, that its first account is made on its host: a code in a file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anet_protocol::Entropy;
use anet_protocol::token::{self, TokenKind};
use secrecy::ExposeSecret as _;

use crate::error::HubError;

/// The file's name, beside the database.
const FILE: &str = "setup-code";

/// The code that is asked for, if one is.
pub(crate) struct SetupCode {
    path: PathBuf,
    digest: Mutex<Option<String>>,
}

impl SetupCode {
    /// Writes a new code where one is needed, readable by the owner alone, and removes an old one where none is.
    pub(crate) fn prepare(database: &Path, is_needed: bool, entropy: &dyn Entropy) -> Result<Self, HubError> {
        let path = database.with_file_name(FILE);
        let code = Self { path, digest: Mutex::default() };
        if !is_needed {
            code.remove();
            return Ok(code);
        }
        let secret = token::mint(TokenKind::Invite, entropy);
        write(&code.path, secret.expose_secret()).map_err(|source| HubError::File {
            doing: "write",
            path: code.path.clone(),
            source,
        })?;
        tracing::info!(path = %code.path.display(), "the first account is made with the code in this file");
        *code.digest.lock().unwrap_or_else(PoisonError::into_inner) = Some(token::digest(secret.expose_secret()));
        Ok(code)
    }

    /// Leaves the file to the hub that may be running beside this process.
    pub(crate) fn of_another(database: &Path) -> Self {
        Self { path: database.with_file_name(FILE), digest: Mutex::default() }
    }

    /// Whether `given` is the code, or none is asked for.
    pub(crate) fn fits(&self, given: Option<&str>) -> bool {
        match self.digest.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => true,
            Some(digest) => given.is_some_and(|given| token::digest(given.trim()) == *digest),
        }
    }

    /// There is a first account: the code is void.
    pub(crate) fn forget(&self) {
        if self.digest.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.remove();
        }
    }

    fn remove(&self) {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "a void set-up code was not removed");
            }
            _ => {}
        }
    }
}

fn write(path: &Path, code: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Created with mode 0600, so that nobody else reads it for a moment.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(file, "{code}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(directory)?.sync_all()
}
