use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::{ErrorCode, MemberRemoved};
use anet_protocol::role::{NetworkRole, Operation};

use super::not_a_member;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;
use crate::networks::find::network_for;
use crate::store::Transaction;

/// Puts a person out of a network.
pub(crate) async fn remove(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    user_id: &UserId,
) -> Result<MemberRemoved, HubError> {
    let (now, caller) = (hub.now(), caller.clone());
    let (network_id, user_id) = (network_id.clone(), user_id.clone());
    hub.write(async move |transaction| {
        network_for(transaction, &caller, &network_id, Operation::ManageMembers).await?;
        let entry = AuditEntry::by(&caller, "member_removed", now).to("user", &user_id).detail(user_id.as_str());
        go(transaction, &network_id, &user_id, entry).await
    })
    .await
}

/// Goes out of a network.
pub(crate) async fn leave(hub: &Hub, caller: &Caller, network_id: &NetworkId) -> Result<MemberRemoved, HubError> {
    let (now, caller, network_id) = (hub.now(), caller.clone(), network_id.clone());
    hub.write(async move |transaction| {
        let network = network_for(transaction, &caller, &network_id, Operation::LeaveNetwork).await;
        // To a key of another network even the own one looks like none at all.
        if let Err(HubError::Refused(refusal)) = &network
            && refusal.code == ErrorCode::PermissionDenied
            && refusal.code != ErrorCode::NetworkNotFound
            && transaction.network(&network_id).await?.is_some_and(|network| network.owner_id == caller.user.user_id)
        {
            return Err(Refusal::clone(refusal)
                .message("the owner does not leave")
                .hint("hand the network over with `anet network transfer USER`, or delete it")
                .into());
        }
        network?;
        let entry = AuditEntry::by(&caller, "member_left", now).to("user", &caller.user.user_id);
        go(transaction, &network_id, &caller.user.user_id, entry).await
    })
    .await
}

/// The membership ends, and with it every token of the person that is bound to the network.
async fn go(
    transaction: &mut dyn Transaction,
    network_id: &NetworkId,
    user_id: &UserId,
    entry: AuditEntry,
) -> Result<MemberRemoved, HubError> {
    let member = transaction.member(network_id, user_id).await?.ok_or_else(|| not_a_member("not a member"))?;
    if member.role == NetworkRole::Owner {
        return Err(not_a_member("cannot remove owner").into());
    }
    let tokens = transaction.delete_tokens_in_network(user_id, network_id).await?;
    transaction.delete_member(network_id, user_id).await?;
    transaction.insert_audit(&entry.within(network_id)).await?;
    let tokens_revoked = tokens.len() as u64;
    for token_id in tokens {
        transaction.after_commit(Effect::CloseToken(token_id));
    }
    Ok(MemberRemoved { tokens_revoked })
}
