use anet_protocol::id::TokenId;
use anet_protocol::rest::{LoginRequest, User};
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use crate::accounts::issue::Login;
use crate::accounts::login;
use crate::audit::AuditEntry;
use crate::client::Client;
use crate::error::HubError;
use crate::hub::Hub;

/// A browser session that has just begun or was renewed: what the cookies carry.
pub(crate) struct Granted {
    pub user: User,
    pub token_id: TokenId,
    /// Short-lived; sent with every request.
    pub access: SecretString,
    /// Renews the session, once; sent to `/api/auth/refresh` alone.
    pub refresh: SecretString,
}

/// Logs a browser in. The session's row is a token whose secret changes with each renewal.
pub(crate) async fn start(hub: &Hub, client: &Client, request: LoginRequest) -> Result<Granted, HubError> {
    let LoginRequest { username, password, client_label } = request;
    let proven = login::prove(hub, client, &username, password.into()).await?;
    let Login { secret: access, mut token } =
        Login::new(hub, &proven.stored.user, client, "browser-session", client_label.as_deref());
    let refresh = token::mint(TokenKind::Refresh, hub.entropy());
    let now = hub.now();
    token.digest = hub.session_digest(access.expose_secret());
    token.expires_at = Some(now.plus(hub.settings().access_lifetime));
    let refresh_digest = hub.session_digest(refresh.expose_secret());
    let refresh_end = now.plus(hub.settings().refresh_lifetime);
    let (user, token_id) = (proven.stored.user.clone(), token.token_id.clone());
    let client = client.clone();
    hub.write(async move |transaction| {
        transaction.insert_token(&token).await?;
        transaction.insert_refresh(&refresh_digest, &token.token_id, refresh_end).await?;
        proven.settle(transaction, &client, now).await?;
        let user = &proven.stored.user;
        let entry = AuditEntry::by_user(user, client.address, "session_started", now).to("session", &token.token_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await?;
    Ok(Granted { user, token_id, access, refresh })
}
