use anet_protocol::id::NetworkId;
use anet_protocol::rest::{NetworkAnswer, NetworkStats};
use anet_protocol::role::Operation;

use super::find::network_for;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::{NodeFilter, Reads, Scope};

/// A network and what it holds.
pub(crate) async fn show(hub: &Hub, caller: &Caller, network_id: &NetworkId) -> Result<NetworkAnswer, HubError> {
    let mut reads = hub.read().await?;
    let mut network = network_for(&mut *reads, caller, network_id, Operation::ReadNetwork).await?;
    network.member_role = reads.member(network_id, &caller.user.user_id).await?.map(|member| member.role);
    let stats = stats(hub, &mut *reads, network_id).await?;
    Ok(NetworkAnswer { network, stats })
}

/// What a network holds at this moment.
pub(crate) async fn stats(hub: &Hub, reads: &mut dyn Reads, network_id: &NetworkId) -> Result<NetworkStats, HubError> {
    let now = hub.now();
    let mut stats = reads.network_stats(network_id, now).await?;
    let scope = Scope::Networks(vec![network_id.clone()]);
    let nodes = reads.nodes(&NodeFilter { scope, node_id: None, alias: None }).await?;
    for mut stored in nodes {
        hub.live().presence.apply(&mut stored.node, now);
        stats.sessions += u64::from(stored.node.connected);
    }
    Ok(stats)
}
