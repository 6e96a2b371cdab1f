use std::net::IpAddr;

use anet_protocol::id::TokenId;
use anet_protocol::rest::{ErrorCode, LoggedIn, LoginRequest};
use anet_protocol::role::CredentialKind;
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::{AuditEntry, NewToken};

/// Nobody's password is longer, and longer texts are not worth hashing.
const LONGEST_PASSWORD: usize = 128;

/// Gives a person a new token. Earlier ones stay valid.
pub(crate) async fn login(hub: &Hub, address: Option<IpAddr>, request: LoginRequest) -> Result<LoggedIn, HubError> {
    let LoginRequest { username, password, client_label } = request;
    let password = SecretString::from(password);
    let wrong = || Refusal::new(ErrorCode::InvalidCredentials, "invalid username or password");
    if password.expose_secret().chars().count() > LONGEST_PASSWORD {
        return Err(wrong().into());
    }
    let known = hub.read().await?.user_by_name(&username).await?;
    let (user, hash) = known.map(|stored| (stored.user, stored.password_hash)).unzip();
    // An unknown user costs the same work and gets the same answer as a wrong password.
    let fits = hub.passwords().verify(password, hash).await?;
    let now = hub.now();
    let address = address.map(|address| address.to_string());
    let Some(user) = user.filter(|_| fits) else {
        // Cut to what a name can be: the attempt may hold anything.
        let attempted: String = username.chars().filter(|c| !c.is_control()).take(50).collect();
        hub.write(async move |transaction| {
            transaction
                .insert_audit(&AuditEntry {
                    user_id: None,
                    username: Some(&attempted),
                    action: "login_failed",
                    target_type: "auth",
                    target_id: None,
                    detail: Some("invalid credentials"),
                    ip: address.as_deref(),
                    network_id: None,
                    created_at: now,
                })
                .await?;
            Ok(())
        })
        .await?;
        return Err(wrong().into());
    };
    let secret = token::mint(TokenKind::User, hub.entropy());
    let token = NewToken {
        token_id: TokenId::random(hub.entropy()),
        digest: token::digest(secret.expose_secret()),
        kind: CredentialKind::User,
        name: client_label.map_or_else(|| "user-login".to_owned(), |label| label.chars().take(100).collect()),
        user_id: user.user_id.clone(),
        network_id: None,
        node_id: None,
        created_at: now,
    };
    let token_id = token.token_id.clone();
    let asking = user.clone();
    let network_id = hub
        .write(async move |transaction| {
            transaction.insert_token(&token).await?;
            transaction
                .insert_audit(&AuditEntry {
                    user_id: Some(&asking.user_id),
                    username: Some(&asking.username),
                    action: "login",
                    target_type: "auth",
                    target_id: Some(token.token_id.as_str()),
                    detail: None,
                    ip: address.as_deref(),
                    network_id: None,
                    created_at: now,
                })
                .await?;
            // Own networks come first.
            Ok(transaction.memberships(&asking.user_id).await?.into_iter().next().map(|network| network.network_id))
        })
        .await?;
    Ok(LoggedIn { user, token: secret.expose_secret().to_owned(), token_id, network_id })
}
