use anet_protocol::rest::ErrorCode;
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::browser::Granted;
use crate::audit::AuditEntry;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;
use crate::limits::Action;
use crate::store::TokenUse;

/// What a look at a refresh token has come to.
enum Outcome {
    Renewed(Box<Granted>),
    /// It was used before: somebody has a copy, so the whole session is ended.
    Replayed,
    Unknown,
}

/// Renews a browser session: both secrets are new, the old ones are dead.
pub(crate) async fn refresh(hub: &Hub, client: &Client, secret: Option<SecretString>) -> Result<Granted, HubError> {
    let now = hub.now();
    hub.limits().take(Action::Refresh, client.address, now)?;
    let expired = || Refusal::new(ErrorCode::SessionExpired, "session expired").hint("log in again");
    let secret = secret.filter(|secret| token::parse(secret.expose_secret()) == Ok(TokenKind::Refresh));
    let digest = hub.session_digest(secret.ok_or_else(expired)?.expose_secret());
    let access = token::mint(TokenKind::User, hub.entropy());
    let refresh = token::mint(TokenKind::Refresh, hub.entropy());
    let access_digest = hub.session_digest(access.expose_secret());
    let refresh_digest = hub.session_digest(refresh.expose_secret());
    let access_end = now.plus(hub.settings().access_lifetime);
    let refresh_end = now.plus(hub.settings().refresh_lifetime);
    let address = client.address;
    let outcome = hub
        .write(async move |transaction| {
            let Some(known) = transaction.refresh_token(&digest).await? else { return Ok(Outcome::Unknown) };
            let Some(stored) = transaction.user(&known.user_id).await? else { return Ok(Outcome::Unknown) };
            let user = stored.user;
            if known.spent {
                transaction.delete_token(&known.token_id).await?;
                let entry = AuditEntry::by_user(&user, address, "refresh_token_reused", now)
                    .to("session", &known.token_id)
                    .detail("the session was ended");
                transaction.insert_audit(&entry).await?;
                transaction.after_commit(Effect::CloseToken(known.token_id));
                return Ok(Outcome::Replayed);
            }
            if known.expires_at <= now {
                return Ok(Outcome::Unknown);
            }
            let renewal = TokenUse {
                token_id: known.token_id.clone(),
                at: now,
                address: address.map(|address| address.to_string()),
            };
            transaction.renew_session(&known.token_id, &access_digest, access_end, &renewal).await?;
            transaction.insert_refresh(&refresh_digest, &known.token_id, refresh_end).await?;
            let entry = AuditEntry::by_user(&user, address, "session_refreshed", now).to("session", &known.token_id);
            transaction.insert_audit(&entry).await?;
            Ok(Outcome::Renewed(Box::new(Granted { user, token_id: known.token_id, access, refresh })))
        })
        .await?;
    match outcome {
        Outcome::Renewed(granted) => Ok(*granted),
        Outcome::Replayed => {
            Err(expired().message("this refresh token was used before; the session was ended for safety").into())
        }
        Outcome::Unknown => Err(expired().into()),
    }
}
