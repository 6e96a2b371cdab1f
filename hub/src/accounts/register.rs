use std::net::IpAddr;

use anet_protocol::id::{NetworkId, TokenId, UserId};
use anet_protocol::rest::{ErrorCode, Network, RegisterRequest, Registered, User};
use anet_protocol::role::{CredentialKind, NetworkRole, SystemRole};
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::passwords::check_strength;
use crate::store::{AuditEntry, NewToken, StoredUser};

/// Makes an account with a network and two tokens. The first account of a hub is its admin.
pub(crate) async fn register(
    hub: &Hub,
    address: Option<IpAddr>,
    request: RegisterRequest,
) -> Result<Registered, HubError> {
    let RegisterRequest { username, password, email, display_name, .. } = request;
    let password = SecretString::from(password);
    check_username(&username)?;
    check_text("email", email.as_deref(), 254)?;
    check_text("display_name", display_name.as_deref(), 100)?;
    check_strength(password.expose_secret())?;
    let taken = || Refusal::new(ErrorCode::UsernameTaken, "username already taken");
    // Asked before the work of the hash, and decided again by the insertion.
    if hub.read().await?.user_by_name(&username).await?.is_some() {
        return Err(taken().into());
    }
    let password_hash = hub.passwords().hash(password).await?;

    let now = hub.now();
    let user_id = UserId::random(hub.entropy());
    let network = Network {
        network_id: NetworkId::random(hub.entropy()),
        network_name: "default".to_owned(),
        owner_id: user_id.clone(),
        description: Some(format!("Auto-created network for {username}")),
        created_at: now,
        member_role: Some(NetworkRole::Owner),
    };
    let user_token = token::mint(TokenKind::User, hub.entropy());
    let network_token = token::mint(TokenKind::Node, hub.entropy());
    let new_token = |secret: &SecretString, kind, name: &str, network_id| NewToken {
        token_id: TokenId::random(hub.entropy()),
        digest: token::digest(secret.expose_secret()),
        kind,
        name: name.to_owned(),
        user_id: user_id.clone(),
        network_id,
        node_id: None,
        created_at: now,
    };
    let tokens = [
        new_token(&user_token, CredentialKind::User, "user-login", None),
        new_token(&network_token, CredentialKind::Node, "default-network", Some(network.network_id.clone())),
    ];
    let user = User {
        user_id,
        display_name: Some(display_name.unwrap_or_else(|| username.clone())),
        username,
        email,
        role: SystemRole::User,
        must_change_password: false,
    };
    let token_id = tokens[0].token_id.clone();
    let network_id = network.network_id.clone();
    let user = hub
        .write(async move |transaction| {
            let role = if transaction.has_users().await? { SystemRole::User } else { SystemRole::Admin };
            let stored = StoredUser { user: User { role, ..user }, password_hash };
            if !transaction.insert_user(&stored, now).await? {
                return Err(taken().into());
            }
            transaction.insert_network(&network).await?;
            for token in &tokens {
                transaction.insert_token(token).await?;
            }
            let user = stored.user;
            transaction
                .insert_audit(&AuditEntry {
                    user_id: Some(&user.user_id),
                    username: Some(&user.username),
                    action: "register",
                    target_type: "user",
                    target_id: Some(user.user_id.as_str()),
                    detail: None,
                    ip: address.map(|address| address.to_string()).as_deref(),
                    network_id: Some(&network.network_id),
                    created_at: now,
                })
                .await?;
            Ok(user)
        })
        .await?;
    Ok(Registered {
        user,
        token: user_token.expose_secret().to_owned(),
        token_id,
        network_token: network_token.expose_secret().to_owned(),
        network_id,
        joined_network_id: None,
    })
}

/// Upstream's rules and texts (commhub-http §1.2, §3.4).
fn check_username(username: &str) -> Result<(), HubError> {
    let refuse = |text: &str| Err(Refusal::new(ErrorCode::InvalidInput, text).into());
    let length = username.chars().count();
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || ('\u{4e00}'..='\u{9fff}').contains(&c);
    if length < 2 {
        return refuse("username must be at least 2 characters");
    }
    if length > 50 {
        return refuse("username too long (max 50)");
    }
    if !username.chars().all(allowed) {
        return refuse("username contains invalid characters");
    }
    Ok(())
}

fn check_text(field: &str, text: Option<&str>, most: usize) -> Result<(), HubError> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Refusal::invalid(field, format!("at most {most} characters")).into())
        }
        Some(text) if text.chars().any(char::is_control) => {
            Err(Refusal::invalid(field, "no control characters").into())
        }
        _ => Ok(()),
    }
}
