use anet_protocol::event::Event;
use anet_protocol::rest::{NodeReported, ReportNode};

use crate::caller::{Caller, invalid_token};
use crate::error::HubError;
use crate::events::Channel;
use crate::hub::Hub;
use crate::work::attempt::check_instance;

/// The heartbeat. It is kept in memory and written down in batches.
pub(crate) async fn report(hub: &Hub, caller: &Caller, request: ReportNode) -> Result<NodeReported, HubError> {
    let mut reads = hub.read().await?;
    let (network_id, bound) = caller.working_node(&mut *reads).await?;
    let node = reads.node(&bound.node_id).await?.ok_or_else(invalid_token)?.node;
    check_instance(&node, &request.instance_id)?;
    let status = request.status;
    let live = hub.live();
    if live.presence.heard(&bound.node_id, &request.instance_id, Some(status), hub.now()) {
        let event = Event::StatusUpdate { alias: bound.alias.clone(), status };
        live.streams.tell(&Channel::node(&network_id, &bound.alias), &event);
    }
    Ok(NodeReported { inbox_count: node.inbox_count })
}
