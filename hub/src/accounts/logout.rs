use anet_protocol::role::Operation;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::events::Effect;
use crate::hub::Hub;

/// Ends the login that is presented.
pub(crate) async fn logout(hub: &Hub, caller: &Caller) -> Result<(), HubError> {
    let now = hub.now();
    let caller = caller.clone();
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::LogOut).await?;
        transaction.delete_token(&caller.token_id).await?;
        transaction.insert_audit(&AuditEntry::by(&caller, "logout", now).to("session", &caller.token_id)).await?;
        transaction.after_commit(Effect::CloseToken(caller.token_id));
        Ok(())
    })
    .await
}
