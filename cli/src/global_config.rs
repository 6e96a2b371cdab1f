//! `~/.anet/config.json`: which hub, who is logged in, which network. Unknown keys survive every rewrite.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anet_protocol::id::NetworkId;
use anet_protocol::rest::User;
use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::files;

/// The file, read. Changes reach the disk with [`GlobalConfig::save`].
#[derive(Debug)]
pub(crate) struct GlobalConfig {
    path: PathBuf,
    fields: Map<String, Value>,
    /// Held until the change is written, so that nobody's change gets lost in another's.
    _lock: Option<File>,
}

impl GlobalConfig {
    /// Reads the file; an absent one is empty.
    ///
    /// # Errors
    /// When it exists and is not a JSON object, where the error names line and column; or is not this user's own file.
    pub(crate) fn load(environment: &Environment) -> anyhow::Result<Self> {
        let path = environment.global_config();
        let fields = match files::read_own(&path)? {
            Some(text) => {
                serde_json::from_str(&text).with_context(|| format!("{} is not a JSON object", path.display()))?
            }
            None => Map::new(),
        };
        Ok(Self { path, fields, _lock: None })
    }

    /// The same for a change that is written at once: whoever else does this waits until the result is dropped.
    ///
    /// # Errors
    /// As [`GlobalConfig::load`], and when the lock cannot be taken.
    pub(crate) fn load_to_change(environment: &Environment) -> anyhow::Result<Self> {
        files::create_private_directory(&environment.home)?;
        let path = environment.home.join("config.json.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.and_then(|file| file.lock().map(|()| file));
        let lock = lock.with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self { _lock: Some(lock), ..Self::load(environment)? })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The hub's address.
    pub(crate) fn hub(&self) -> Option<&str> {
        self.text("hub")
    }

    /// The person's `utok_`.
    pub(crate) fn token(&self) -> Option<SecretString> {
        self.text("token").map(SecretString::from)
    }

    /// The network that commands mean when they name none.
    pub(crate) fn network_id(&self) -> Option<NetworkId> {
        self.text("network_id").map(NetworkId::from)
    }

    /// Remembers the hub.
    pub(crate) fn set_hub(&mut self, url: &str) {
        self.fields.insert("hub".to_owned(), url.into());
    }

    /// Remembers who is logged in.
    pub(crate) fn set_login(&mut self, user: &User, token: &SecretString) -> anyhow::Result<()> {
        self.fields.insert("token".to_owned(), token.expose_secret().into());
        self.fields.insert("user".to_owned(), serde_json::to_value(user)?);
        Ok(())
    }

    /// Remembers the network that commands mean.
    pub(crate) fn set_network(&mut self, network_id: &NetworkId, network_name: &str) {
        self.fields.insert("network_id".to_owned(), network_id.as_str().into());
        self.fields.insert("network_name".to_owned(), network_name.into());
    }

    /// Forgets the network that commands mean.
    pub(crate) fn clear_network(&mut self) {
        self.remove(&["network_id", "network_name"]);
    }

    /// Forgets who was logged in.
    pub(crate) fn clear_login(&mut self) {
        self.remove(&["token", "user"]);
        self.clear_network();
    }

    fn remove(&mut self, keys: &[&str]) {
        for key in keys {
            // `remove` would move the last key into the gap.
            self.fields.shift_remove(*key);
        }
    }

    /// Writes the file, 0600 in a 0700 directory.
    ///
    /// # Errors
    /// When it cannot be written; the old file is then untouched.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        if let Some(directory) = self.path.parent() {
            files::create_private_directory(directory)?;
            files::tighten(directory)?;
        }
        Ok(files::write_private(&self.path, &format!("{}\n", serde_json::to_string_pretty(&self.fields)?))?)
    }
}
