use anet_protocol::id::TokenId;
use anet_protocol::role::{CredentialKind, SystemRole};
use anet_protocol::token::digest;
use secrecy::ExposeSecret as _;

use crate::error::HubError;
use crate::hub::Hub;
use crate::store::NewToken;

/// The row of upstream's master token.
const TOKEN_ID: &str = "tok_legacy";

/// Lets upstream's `COMMHUB_AUTH_TOKEN` read, if it is set, and forgets a former one. It acts in the name of the first
/// administrator, so it does nothing before there is one.
pub(crate) async fn install(hub: &Hub) -> Result<(), HubError> {
    let token = hub.settings().legacy_token.as_ref().map(|token| digest(token.expose_secret()));
    let token_id = TokenId::from(TOKEN_ID);
    let mut reads = hub.read().await?;
    let has_row = reads.token(crate::store::TokenKey::Id(&token_id)).await?.is_some();
    if token.is_none() && !has_row {
        return Ok(());
    }
    let admin = reads.users().await?.into_iter().find(|stored| stored.user.role == SystemRole::Admin);
    drop(reads);
    if token.is_some() {
        tracing::warn!("COMMHUB_AUTH_TOKEN is deprecated: it can only read, and a later version will not know it");
    }
    let now = hub.now();
    hub.write(async move |transaction| {
        transaction.delete_token(&token_id).await?;
        if let (Some(digest), Some(admin)) = (token, admin) {
            let (kind, name, owner) = (CredentialKind::Legacy, "COMMHUB_AUTH_TOKEN", &admin.user.user_id);
            let row = NewToken::new(token_id, digest, kind, name, owner, now);
            transaction.insert_token(&row).await?;
        }
        Ok(())
    })
    .await
}
