use anet_protocol::id::UserId;
use anet_protocol::rest::{ErrorCode, PasswordReset};
use secrecy::ExposeSecret as _;

use super::generated;
use crate::accounts::name;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;
use crate::store::{StoredPassword, StoredUser, Transaction};

/// Gives a person a random password to be changed, and ends every login, browser session and API key that is bound to no
/// network; nodes run on.
pub(crate) async fn reset(hub: &Hub, caller: &Caller, user_id: &UserId) -> Result<PasswordReset, HubError> {
    caller.authorize_admin(&mut *hub.read().await?).await?;
    let password = generated::password(hub.entropy());
    let hash = hub.passwords().queue()?.hash(password.clone()).await?;
    let (now, caller, user_id) = (hub.now(), caller.clone(), user_id.clone());
    let (user, revoked) = hub
        .write(async move |transaction| {
            caller.authorize_admin(transaction).await?;
            let stored = transaction.user(&user_id).await?.ok_or_else(not_found)?;
            let entry = AuditEntry::by(&caller, "password_reset_by_admin", now);
            let revoked = apply(transaction, &stored, &hash, entry).await?;
            Ok((stored.user, revoked))
        })
        .await?;
    Ok(PasswordReset {
        user_id: user.user_id,
        username: user.username,
        password: password.expose_secret().to_owned(),
        revoked,
    })
}

pub(crate) fn not_found() -> Refusal {
    Refusal::new(ErrorCode::UserNotFound, "user not found")
}

/// The reset itself, whoever asks for it. Tells how many logins and keys ended.
pub(crate) async fn apply(
    transaction: &mut dyn Transaction,
    stored: &StoredUser,
    password: &StoredPassword,
    entry: AuditEntry,
) -> Result<u64, HubError> {
    let user = &stored.user;
    transaction.set_password(&user.user_id, password, true).await?;
    transaction.set_recovery(&user.user_id, None).await?;
    transaction.clear_login_failures(&name::key(&user.username), None).await?;
    let ended = transaction.delete_logins(&user.user_id, None).await?;
    let entry = entry.to("user", &user.user_id).detail(format!("{}, revoked={}", user.username, ended.len()));
    transaction.insert_audit(&entry).await?;
    let count = ended.len() as u64;
    for token_id in ended {
        transaction.after_commit(Effect::CloseToken(token_id));
    }
    Ok(count)
}
