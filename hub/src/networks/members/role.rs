use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::ChangeRole;
use anet_protocol::role::{NetworkRole, Operation};

use super::{assignable, not_a_member};
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::networks::find::network_for;

/// Gives a member another rank, which counts at once.
pub(crate) async fn change(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    user_id: &UserId,
    request: ChangeRole,
) -> Result<(), HubError> {
    let (now, caller) = (hub.now(), caller.clone());
    let (network_id, user_id) = (network_id.clone(), user_id.clone());
    hub.write(async move |transaction| {
        network_for(transaction, &caller, &network_id, Operation::ChangeRole).await?;
        let role = assignable(Some(request.role))?;
        let member = transaction.member(&network_id, &user_id).await?;
        let member = member
            .filter(|member| member.role != NetworkRole::Owner)
            .ok_or_else(|| not_a_member("member not found or is owner"))?;
        transaction.set_member_role(&network_id, &user_id, role).await?;
        let entry = AuditEntry::by(&caller, "member_role_changed", now)
            .to("user", &user_id)
            .detail(format!("{user_id} {} → {}", member.role.as_str(), role.as_str()))
            .within(&network_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await
}
