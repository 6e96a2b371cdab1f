use anet_protocol::id::{InviteId, NetworkId};
use anet_protocol::rest::{ErrorCode, Invite};
use anet_protocol::role::Operation;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::networks::find::network_for;
use crate::store::Transaction;

/// Voids an invite to a network.
pub(crate) async fn of_network(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    invite_id: &InviteId,
) -> Result<(), HubError> {
    let (caller, network_id, invite_id) = (caller.clone(), network_id.clone(), invite_id.clone());
    let now = hub.now();
    hub.write(async move |transaction| {
        network_for(transaction, &caller, &network_id, Operation::ManageMembers).await?;
        let is_meant =
            |invite: &Invite| invite.network_id.as_ref() == Some(&network_id) && invite.system_role.is_none();
        let entry = AuditEntry::by(&caller, "invite_revoked", now).to("invite", &invite_id).within(&network_id);
        revoke(transaction, &invite_id, is_meant, entry).await
    })
    .await
}

/// Voids an invite to the hub.
pub(crate) async fn of_hub(hub: &Hub, caller: &Caller, invite_id: &InviteId) -> Result<(), HubError> {
    let (now, caller, invite_id) = (hub.now(), caller.clone(), invite_id.clone());
    hub.write(async move |transaction| {
        caller.authorize_admin(transaction).await?;
        let entry = AuditEntry::by(&caller, "invite_revoked", now).to("invite", &invite_id);
        revoke(transaction, &invite_id, |invite| invite.system_role.is_some(), entry).await
    })
    .await
}

async fn revoke(
    transaction: &mut dyn Transaction,
    invite_id: &InviteId,
    is_meant: impl Fn(&Invite) -> bool,
    entry: AuditEntry,
) -> Result<(), HubError> {
    let invite = transaction.invite(invite_id).await?.filter(is_meant);
    let invite = invite.ok_or_else(|| Refusal::new(ErrorCode::InviteNotFound, "invite not found"))?;
    transaction.revoke_invite(&invite.invite_id, entry.created_at).await?;
    transaction.insert_audit(&entry).await?;
    Ok(())
}
