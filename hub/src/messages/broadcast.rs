use anet_protocol::event::Event;
use anet_protocol::id::{MessageId, NetworkId};
use anet_protocol::rest::{Broadcast, BroadcastSent, ErrorCode, MessageType, NodeQuery, limit};
use anet_protocol::role::Operation;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Channel;
use crate::hub::Hub;
use crate::limits::Action;
use crate::nodes::list::matching;
use crate::store::{NewMessage, Scope};

/// Stores plain words for every agent of one network, or for those that the filters leave; not for the sender itself.
pub(crate) async fn broadcast(
    hub: &Hub,
    caller: &Caller,
    network_id: Option<&NetworkId>,
    request: Broadcast,
) -> Result<BroadcastSent, HubError> {
    if !(1..=limit::CONTENT).contains(&request.message.chars().count()) {
        return Err(Refusal::invalid("message", format!("1 to {} characters", limit::CONTENT)).into());
    }
    let now = hub.now();
    hub.limits().take(Action::Task, caller.address, now)?;
    let (operation, sender, requested) = (hub.clone(), caller.clone(), network_id.cloned());
    hub.write(async move |transaction| {
        let network_id = match sender.network_for(transaction, requested.as_ref(), Operation::SendTask).await {
            Err(HubError::Refused(mut refusal)) if refusal.code == ErrorCode::NetworkIdRequired => {
                "network_id required for user token when broadcasting".clone_into(&mut refusal.error);
                return Err(HubError::Refused(refusal));
            }
            network_id => network_id?,
        };
        let query = NodeQuery { status: request.filter_status, ..NodeQuery::default() };
        let scope = Scope::Networks(vec![network_id.clone()]);
        let mut nodes = matching(&operation, transaction, scope, query).await?;
        nodes.retain(|node| {
            let is_meant = request.filter_server.is_none() || node.hostname == request.filter_server;
            is_meant && !sender.is_node(&network_id, &node.alias)
        });
        let mut message_ids = Vec::with_capacity(nodes.len());
        for node in nodes {
            let message_id = MessageId::random(operation.entropy());
            transaction
                .insert_message(&NewMessage {
                    message_id: &message_id,
                    network_id: &network_id,
                    kind: MessageType::Broadcast,
                    from_name: sender.name(),
                    to_name: node.alias.as_str(),
                    content: Some(&request.message),
                    task_id: None,
                    created_at: now,
                })
                .await?;
            let event = Event::Broadcast {
                inbox_count: node.inbox_count,
                from: sender.name().to_owned(),
                message_id: message_id.clone(),
            };
            transaction.append_event(&Channel::node(&network_id, &node.alias), &event, now).await?;
            message_ids.push(message_id);
        }
        if sender.node.is_none() {
            let entry = AuditEntry::by(&sender, "broadcast_sent", now)
                .to("network", &network_id)
                .detail(format!("recipients={}", message_ids.len()))
                .within(&network_id);
            transaction.insert_audit(&entry).await?;
        }
        Ok(BroadcastSent { recipients: message_ids.len() as u64, message_ids })
    })
    .await
}
