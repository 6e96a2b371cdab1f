//! `~/.anet/server/admin-utok.json`: the token with which this machine looks after its own hub, and the mark that the
//! hub has an administrator.

use std::path::PathBuf;

use anet_protocol::Clock as _;
use anet_protocol::rest::{LoginRequest, User};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::files;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::system::SystemClock;

/// The word by which the file's login is known in the list of sessions.
const CLIENT_LABEL: &str = "admin-utok.json";

/// The file, read. Unknown keys survive every rewrite.
#[derive(Debug)]
pub(crate) struct AdminFile {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl AdminFile {
    /// Reads the file; an absent one is empty.
    ///
    /// # Errors
    /// When it exists and is not a JSON object, or is not this user's own file.
    pub(crate) fn load(environment: &Environment) -> Result<Self, Failure> {
        let path = environment.server_directory().join("admin-utok.json");
        let fields = match files::read_own(&path)? {
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                let failure = Failure::failed(error).context(format!("{} is not a JSON object", path.display()));
                failure.hint("delete it, and `anet hub start` writes a new one")
            })?,
            None => Map::new(),
        };
        Ok(Self { path, fields })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The login name.
    pub(crate) fn username(&self) -> Option<&str> {
        self.text("username")
    }

    /// The account's `utok_`; without one the file marks nothing.
    pub(crate) fn token(&self) -> Option<SecretString> {
        self.text("token").map(SecretString::from)
    }

    /// Whether the file is about this account.
    pub(crate) fn is_of(&self, user_id: &str) -> bool {
        self.text("user_id") == Some(user_id)
    }

    /// Writes down another login.
    ///
    /// # Errors
    /// When the file cannot be written; the old one is then untouched.
    pub(crate) fn save(&mut self, user_id: &str, username: &str, token: &SecretString) -> Result<(), Failure> {
        self.set(user_id, username, token, &SystemClock.now().to_string());
        if let Some(directory) = self.path.parent() {
            files::create_private_directory(directory)?;
        }
        Ok(files::write_private(&self.path, &format!("{}\n", serde_json::to_string_pretty(&self.fields)?))?)
    }

    fn set(&mut self, user_id: &str, username: &str, token: &SecretString, now: &str) {
        let token = token.expose_secret();
        for (key, value) in [("username", username), ("user_id", user_id), ("token", token), ("created_at", now)] {
            self.fields.insert(key.to_owned(), value.into());
        }
    }
}

/// A login of the file's own, so that neither ends with the other.
///
/// # Errors
/// When the hub refuses it.
pub(crate) async fn log_in(hub: &HubClient, username: &str, password: &SecretString) -> Result<SecretString, Failure> {
    let request = LoginRequest {
        username: username.to_owned(),
        password: password.expose_secret().to_owned(),
        client_label: Some(CLIENT_LABEL.to_owned()),
    };
    Ok(hub.login(&request).await?.token.into())
}

/// Gives the file a token that works, after the one in it has ended with the old password.
///
/// Returns whether there was one to replace: the file is there, of this person, and of a hub on this machine.
///
/// # Errors
/// When the file cannot be read or written, or the hub refuses the login.
pub(crate) async fn renew(
    environment: &Environment,
    hub: &HubClient,
    user: &User,
    password: &SecretString,
) -> Result<bool, Failure> {
    let mut file = AdminFile::load(environment)?;
    if !file.is_of(user.user_id.as_str()) || !hub_url::is_loopback(&hub_url::parse(hub.url())?) {
        return Ok(false);
    }
    let token = log_in(hub, &user.username, password).await?;
    file.save(user.user_id.as_str(), &user.username, &token)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_leaves_unknown_keys_as_they_were() {
        let text = r#"{"username":"admin","note":"mine","token":"old","created_at":"then"}"#;
        let mut file = AdminFile { path: PathBuf::new(), fields: serde_json::from_str(text).unwrap() };
        file.set("u_1", "root", &SecretString::from("new"), "now");
        let expected = r#"{"username":"root","note":"mine","token":"new","created_at":"now","user_id":"u_1"}"#;
        assert_eq!(serde_json::to_string(&file.fields).unwrap(), expected);
    }
}
