use anet_protocol::id::TokenId;
use anet_protocol::rest::{ErrorCode, TokensRevoked};
use anet_protocol::role::{CredentialKind, Operation};

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;

/// Revokes one token of the caller's. Somebody else's looks like none at all.
pub(crate) async fn one(hub: &Hub, caller: &Caller, token_id: &TokenId) -> Result<(), HubError> {
    let (now, caller, token_id) = (hub.now(), caller.clone(), token_id.clone());
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::ManageCredentials).await?;
        let rows = transaction.tokens_of_user(&caller.user.user_id).await?;
        let own = |kind: CredentialKind| kind != CredentialKind::Legacy;
        let row = rows.into_iter().find(|row| row.token_id == token_id && own(row.kind)).ok_or_else(|| {
            Refusal::new(ErrorCode::TokenNotFound, "token not found").hint("`anet token ls` lists your tokens")
        })?;
        transaction.delete_token(&token_id).await?;
        let mut entry = AuditEntry::by(&caller, "token_revoked", now).to("token", &token_id).detail(&row.name);
        entry.network_id = row.network_id;
        transaction.insert_audit(&entry).await?;
        transaction.after_commit(Effect::CloseToken(token_id));
        Ok(())
    })
    .await
}

/// Revokes every API key and every other login of the caller's; nodes keep their tokens.
pub(crate) async fn all(hub: &Hub, caller: &Caller) -> Result<TokensRevoked, HubError> {
    let (now, caller) = (hub.now(), caller.clone());
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::ManageCredentials).await?;
        let rows = transaction.tokens_of_user(&caller.user.user_id).await?;
        let goes = |kind: CredentialKind| matches!(kind, CredentialKind::User | CredentialKind::Api(_));
        let mut revoked = 0;
        for row in rows.into_iter().filter(|row| goes(row.kind) && row.token_id != caller.token_id) {
            transaction.delete_token(&row.token_id).await?;
            transaction.after_commit(Effect::CloseToken(row.token_id));
            revoked += 1;
        }
        let entry = AuditEntry::by(&caller, "tokens_revoked_all", now)
            .to("user", &caller.user.user_id)
            .detail(format!("revoked={revoked}"));
        transaction.insert_audit(&entry).await?;
        Ok(TokensRevoked { revoked })
    })
    .await
}
