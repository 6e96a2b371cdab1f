use anet_protocol::rest::{ChangeRegistration, Registration};

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::{Hub, REGISTRATION};

/// Who may make an account.
pub(crate) async fn show(hub: &Hub, caller: &Caller) -> Result<Registration, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_admin(&mut *reads).await?;
    Ok(Registration { policy: hub.registration(&mut *reads).await? })
}

/// Says who may make an account, from now on and over restarts.
pub(crate) async fn set(hub: &Hub, caller: &Caller, request: ChangeRegistration) -> Result<Registration, HubError> {
    let (now, caller, operation) = (hub.now(), caller.clone(), hub.clone());
    hub.write(async move |transaction| {
        caller.authorize_admin(transaction).await?;
        let before = operation.registration(transaction).await?;
        transaction.set_setting(REGISTRATION, request.policy.as_str()).await?;
        let entry = AuditEntry::by(&caller, "registration_changed", now).detail(format!(
            "{} → {}",
            before.as_str(),
            request.policy.as_str()
        ));
        transaction.insert_audit(&entry).await?;
        Ok(Registration { policy: request.policy })
    })
    .await
}
