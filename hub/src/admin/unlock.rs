use anet_protocol::id::UserId;

use super::reset::not_found;
use crate::accounts::name;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::{StoredUser, Transaction};

/// Ends the pause that wrong passwords have brought upon an account.
pub(crate) async fn unlock(hub: &Hub, caller: &Caller, user_id: &UserId) -> Result<(), HubError> {
    let (now, caller, user_id) = (hub.now(), caller.clone(), user_id.clone());
    hub.write(async move |transaction| {
        caller.authorize_admin(transaction).await?;
        let stored = transaction.user(&user_id).await?.ok_or_else(not_found)?;
        apply(transaction, &stored, AuditEntry::by(&caller, "login_unlocked", now)).await
    })
    .await
}

/// The unlocking itself, whoever asks for it.
pub(crate) async fn apply(
    transaction: &mut dyn Transaction,
    stored: &StoredUser,
    entry: AuditEntry,
) -> Result<(), HubError> {
    transaction.clear_login_failures(&name::key(&stored.user.username), None).await?;
    transaction.insert_audit(&entry.to("user", &stored.user.user_id)).await?;
    Ok(())
}
