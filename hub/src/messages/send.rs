use anet_protocol::event::Event;
use anet_protocol::id::MessageId;
use anet_protocol::rest::{ErrorCode, MessageSent, MessageType, Node, SendMessage, limit};
use anet_protocol::role::Operation;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::{Channel, Listener};
use crate::hub::Hub;
use crate::limits::Action;
use crate::nodes::find::node_named;
use crate::store::NewMessage;

/// Stores plain words for an agent, or for a person who is a member.
pub(crate) async fn send(hub: &Hub, caller: &Caller, request: SendMessage) -> Result<MessageSent, HubError> {
    let length = request.message.chars().count();
    if !(1..=limit::CONTENT).contains(&length) {
        return Err(Refusal::invalid("message", format!("1 to {} characters", limit::CONTENT)).into());
    }
    let now = hub.now();
    hub.limits().take(Action::Task, caller.address, now)?;
    let message_id = MessageId::random(hub.entropy());
    let (sent_id, audited_id) = (message_id.clone(), message_id.clone());
    let sender = caller.clone();
    let (channel, node): (Channel, Option<Node>) = hub
        .write(async move |transaction| {
            let network_id = sender.network_for(transaction, request.network_id.as_ref(), Operation::SendTask).await?;
            let (channel, node) = match node_named(transaction, &network_id, &request.alias).await {
                Ok(node) => (Channel::node(&network_id, &node.alias), Some(node)),
                Err(error) if error.code() == ErrorCode::AliasNotFound => {
                    if !transaction.is_member(&network_id, request.alias.as_str()).await? {
                        return Err(error);
                    }
                    (Channel::user(&network_id, request.alias.as_str()), None)
                }
                Err(error) => return Err(error),
            };
            transaction
                .insert_message(&NewMessage {
                    message_id: &message_id,
                    network_id: &network_id,
                    kind: MessageType::Message,
                    from_name: sender.name(),
                    to_name: channel.listener.name(),
                    content: Some(&request.message),
                    task_id: None,
                    created_at: now,
                })
                .await?;
            let event = Event::NewMessage { from: sender.name().to_owned(), message_id };
            transaction.append_event(&channel, &event, now).await?;
            if sender.node.is_none() {
                let entry = AuditEntry::by(&sender, "message_sent", now)
                    .to("message", &audited_id)
                    .detail(channel.listener.name())
                    .within(&network_id);
                transaction.insert_audit(&entry).await?;
            }
            Ok((channel, node))
        })
        .await?;
    let online = match (&channel.listener, node) {
        (Listener::Node(_), Some(mut node)) => {
            hub.live().presence.apply(&mut node, hub.now());
            node.connected
        }
        _ => hub.live().streams.is_heard(&channel),
    };
    Ok(MessageSent { message_id: sent_id, queued: true, online })
}
