use anet_protocol::event::Event;
use anet_protocol::time::Timestamp;

use crate::error::HubError;
use crate::events::Channel;
use crate::store::{StoredTask, Transaction};

/// Tells the node that the task waits for it, unless the node is gone.
pub(crate) async fn ring(
    transaction: &mut dyn Transaction,
    stored: &StoredTask,
    now: Timestamp,
) -> Result<(), HubError> {
    let Some(node) = transaction.node(&stored.to_node_id).await? else { return Ok(()) };
    let event = Event::NewTask {
        task_id: stored.task.task_id.clone(),
        inbox_count: node.node.inbox_count,
        priority: stored.task.priority,
        from: stored.task.from_name.clone(),
    };
    transaction.append_event(&Channel::node(&node.node.network_id, &node.node.alias), &event, now).await?;
    Ok(())
}
