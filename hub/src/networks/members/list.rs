use anet_protocol::id::NetworkId;
use anet_protocol::rest::MemberList;
use anet_protocol::role::Operation;

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::networks::find::network_for;

/// The members of a network, in the order of joining.
pub(crate) async fn list(hub: &Hub, caller: &Caller, network_id: &NetworkId) -> Result<MemberList, HubError> {
    let mut reads = hub.read().await?;
    network_for(&mut *reads, caller, network_id, Operation::ReadMembers).await?;
    Ok(MemberList { members: reads.members(network_id).await? })
}
