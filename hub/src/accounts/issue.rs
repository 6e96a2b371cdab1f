use anet_protocol::id::TokenId;
use anet_protocol::rest::User;
use anet_protocol::role::CredentialKind;
use anet_protocol::time::Timestamp;
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use crate::client::Client;
use crate::hub::Hub;
use crate::store::NewToken;

/// A token for a person, and what is to be stored of it.
pub(crate) struct Login {
    pub secret: SecretString,
    pub token: NewToken,
}

impl Login {
    /// A `utok_` that ends with the lifetime of logins.
    pub(crate) fn new(hub: &Hub, user: &User, client: &Client, name: &str, label: Option<&str>) -> Self {
        let secret = token::mint(TokenKind::User, hub.entropy());
        let now = hub.now();
        let digest = token::digest(secret.expose_secret());
        let row = TokenId::random(hub.entropy());
        let token = NewToken {
            client_label: label.map(|label| label.chars().filter(|c| !c.is_control()).take(100).collect()),
            user_agent: client.user_agent.clone(),
            address: client.address.map(|address| address.to_string()),
            expires_at: lifetime_end(hub, now),
            ..NewToken::new(row, digest, CredentialKind::User, name, &user.user_id, now)
        };
        Self { secret, token }
    }
}

/// When a login of now ends at the latest.
fn lifetime_end(hub: &Hub, now: Timestamp) -> Option<Timestamp> {
    let lifetime = hub.settings().login_lifetime;
    (!lifetime.is_zero()).then(|| now.plus(lifetime))
}
