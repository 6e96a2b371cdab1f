//! The login of the person whose nodes these are, as `anet login` keeps it in `~/.anet/config.json`.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::private_file::{self, FileError};

/// Where a hub listens unless told otherwise (commhub-http §0).
const DEFAULT_HUB: &str = "http://127.0.0.1:9200";

/// Who is logged in, and where.
#[derive(Clone, Debug)]
pub struct Login {
    /// The hub's address; the login is for it alone.
    pub hub: String,
    /// The person's `utok_`; without one nobody is logged in, which a hub on this machine may not mind.
    pub token: Option<SecretString>,
}

impl Login {
    /// Reads `config.json` in `home`, which is `~/.anet`; an absent file says that nobody is logged in.
    ///
    /// # Errors
    /// When the file is not this user's own, or no JSON object.
    pub fn read(home: &Path) -> Result<Self, FileError> {
        let path = home.join("config.json");
        let Some(text) = private_file::read_own(&path)? else {
            return Ok(Self { hub: DEFAULT_HUB.to_owned(), token: None });
        };
        let wrong = |reason: String| FileError { action: "read", path: path.clone(), reason };
        // The message of a JSON error names line and column and no value.
        let document: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if !document.is_object() {
            return Err(wrong("it is not a JSON object".to_owned()));
        }
        let text = |key: &str| document.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        Ok(Self { hub: text("hub").unwrap_or(DEFAULT_HUB).to_owned(), token: text("token").map(SecretString::from) })
    }

    /// Tells two logins apart without keeping either.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let token = self.token.as_ref().map_or("", |token| token.expose_secret());
        Sha256::new().chain_update(&self.hub).chain_update([0]).chain_update(token).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_with_its_hub_and_an_absent_file_is_nobody() {
        let home = tempfile::tempdir().unwrap();
        let nobody = Login::read(home.path()).unwrap();
        assert_eq!((nobody.hub.as_str(), nobody.token.is_none()), (DEFAULT_HUB, true));
        std::fs::write(home.path().join("config.json"), r#"{"hub":"http://h:1","token":"utok_x","more":1}"#).unwrap();
        let login = Login::read(home.path()).unwrap();
        assert_eq!((login.hub.as_str(), login.token.as_ref().unwrap().expose_secret()), ("http://h:1", "utok_x"));
        assert_ne!(login.digest(), nobody.digest());
        assert!(!format!("{login:?}").contains("utok_x"));
    }

    #[test]
    fn a_broken_file_is_named_by_line_and_tells_no_token() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.json"), "{\"token\":\"utok_secret\",\n oops").unwrap();
        let error = Login::read(home.path()).unwrap_err().to_string();
        assert!(error.contains("config.json: ") && error.contains("line 2") && !error.contains("secret"), "{error}");
    }
}
