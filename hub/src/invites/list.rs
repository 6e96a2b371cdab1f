use anet_protocol::id::NetworkId;
use anet_protocol::rest::InviteList;
use anet_protocol::role::Operation;

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::networks::find::network_for;
use crate::store::InvitesOf;

/// The invites to a network, newest first, without their codes.
pub(crate) async fn of_network(hub: &Hub, caller: &Caller, network_id: &NetworkId) -> Result<InviteList, HubError> {
    let mut reads = hub.read().await?;
    network_for(&mut *reads, caller, network_id, Operation::ManageMembers).await?;
    Ok(InviteList { invites: reads.invites(InvitesOf::Network(network_id), hub.now()).await? })
}

/// The invites to the hub, newest first, without their codes.
pub(crate) async fn of_hub(hub: &Hub, caller: &Caller) -> Result<InviteList, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_admin(&mut *reads).await?;
    Ok(InviteList { invites: reads.invites(InvitesOf::Hub, hub.now()).await? })
}
