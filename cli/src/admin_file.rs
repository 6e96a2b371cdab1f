//! `~/.anet/server/admin-utok.json`: the token with which this machine looks after its own hub, and the mark that the
//! hub has an administrator.

use std::path::PathBuf;

use anet_protocol::Clock as _;
use anet_protocol::rest::{LoginRequest, User};
use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::files;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::system::SystemClock;

/// What a new file holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AdminFile {
    /// The login name.
    pub username: String,
    /// The account.
    pub user_id: String,
    /// Its `utok_`.
    pub token: String,
    /// When the token was made.
    pub created_at: String,
}

/// The word by which the file's login is known in the list of sessions.
const CLIENT_LABEL: &str = "admin-utok.json";

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
    let path = path(environment);
    let Some(text) = files::read_optional(&path)? else { return Ok(false) };
    let fields: Map<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("{} is not a JSON object", path.display()))?;
    let is_of_user = fields.get("user_id").and_then(Value::as_str) == Some(user.user_id.as_str());
    if !is_of_user || !hub_url::is_loopback(&hub_url::parse(hub.url())?) {
        return Ok(false);
    }
    let request = LoginRequest {
        username: user.username.clone(),
        password: password.expose_secret().to_owned(),
        client_label: Some(CLIENT_LABEL.to_owned()),
    };
    let token = SecretString::from(hub.login(&request).await?.token);
    let fields = with_token(fields, &token, &SystemClock.now().to_string());
    files::write_private(&path, &format!("{}\n", serde_json::to_string_pretty(&fields)?))?;
    Ok(true)
}

fn path(environment: &Environment) -> PathBuf {
    environment.server_directory().join("admin-utok.json")
}

fn with_token(mut fields: Map<String, Value>, token: &SecretString, now: &str) -> Map<String, Value> {
    fields.insert("token".to_owned(), token.expose_secret().into());
    fields.insert("created_at".to_owned(), now.into());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_leaves_unknown_keys_as_they_were() {
        let text = r#"{"username":"admin","note":"mine","token":"old","created_at":"then"}"#;
        let fields = with_token(serde_json::from_str(text).unwrap(), &SecretString::from("new"), "now");
        let expected = r#"{"username":"admin","note":"mine","token":"new","created_at":"now"}"#;
        assert_eq!(serde_json::to_string(&fields).unwrap(), expected);
    }
}
