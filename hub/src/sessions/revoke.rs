use anet_protocol::id::TokenId;
use anet_protocol::rest::{ErrorCode, SessionEnded, SessionsEnded};
use anet_protocol::role::Operation;

use super::list::is_login;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;

/// Ends one login of the caller's.
pub(crate) async fn one(hub: &Hub, caller: &Caller, token_id: &TokenId) -> Result<SessionEnded, HubError> {
    let (now, caller, token_id) = (hub.now(), caller.clone(), token_id.clone());
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::ManageCredentials).await?;
        let rows = transaction.tokens_of_user(&caller.user.user_id).await?;
        if !rows.iter().any(|row| row.token_id == token_id && is_login(row)) {
            return Err(Refusal::new(ErrorCode::SessionNotFound, "session_not_found")
                .message("no login of yours has this id")
                .hint("`anet session ls` lists your logins")
                .into());
        }
        transaction.delete_token(&token_id).await?;
        transaction.insert_audit(&AuditEntry::by(&caller, "session_revoked", now).to("session", &token_id)).await?;
        let was_current = token_id == caller.token_id;
        transaction.after_commit(Effect::CloseToken(token_id));
        Ok(SessionEnded { was_current })
    })
    .await
}

/// Ends every other login, or the caller's too. API keys stay.
pub(crate) async fn many(hub: &Hub, caller: &Caller, keep_current: bool) -> Result<SessionsEnded, HubError> {
    let (now, caller) = (hub.now(), caller.clone());
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::ManageCredentials).await?;
        let rows = transaction.tokens_of_user(&caller.user.user_id).await?;
        let ends = |token_id: &TokenId| !(keep_current && *token_id == caller.token_id);
        let ended: Vec<TokenId> =
            rows.into_iter().filter(|row| is_login(row) && ends(&row.token_id)).map(|row| row.token_id).collect();
        for token_id in &ended {
            transaction.delete_token(token_id).await?;
            transaction.after_commit(Effect::CloseToken(token_id.clone()));
        }
        let action = if keep_current { "sessions_revoked_others" } else { "sessions_revoked_all" };
        let entry = AuditEntry::by(&caller, action, now)
            .to("user", &caller.user.user_id)
            .detail(format!("revoked={}", ended.len()));
        transaction.insert_audit(&entry).await?;
        Ok(SessionsEnded { kept_token_id: keep_current.then_some(caller.token_id), revoked: ended.len() as u64 })
    })
    .await
}
