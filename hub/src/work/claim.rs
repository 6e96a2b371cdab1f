use anet_protocol::id::NodeId;
use anet_protocol::rest::{ClaimTasks, ClaimedTask, TasksClaimed};
use anet_protocol::task_state::TaskState;
use anet_protocol::time::Timestamp;

use crate::caller::{Caller, invalid_token};
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::{NewTaskEvent, StoredTask, Transaction};
use crate::work::attempt::check_instance;
use crate::work::register::lease;

/// Takes the next tasks of the inbox under a lease: each gets a new attempt number.
pub(crate) async fn claim(hub: &Hub, caller: &Caller, request: ClaimTasks) -> Result<TasksClaimed, HubError> {
    if !(1..=100).contains(&request.max) {
        return Err(Refusal::invalid("max", "1 to 100").into());
    }
    let (now, lease_end) = (hub.now(), hub.lease_end());
    let asking = caller.clone();
    let instance_id = request.instance_id.clone();
    let (node_id, claimed) = hub
        .write(async move |transaction| {
            let (_, bound) = asking.working_node(transaction).await?;
            let node = transaction.node(&bound.node_id).await?.ok_or_else(invalid_token)?.node;
            check_instance(&node, &request.instance_id)?;
            let mut tasks = Vec::new();
            for unheard in unheard(transaction, &node.node_id, &request).await? {
                let held = lease(&unheard, &request.instance_id, lease_end, now);
                transaction.update_task(&held).await?;
                tasks.push(claimed(held, lease_end));
            }
            let room = request.max.saturating_sub(u32::try_from(tasks.len()).unwrap_or(u32::MAX));
            let again = tasks.len();
            for waiting in transaction.waiting_tasks(&node.node_id, now, room).await? {
                let mut held = lease(&waiting, &request.instance_id, lease_end, now);
                held.task.attempt += 1;
                held.task.received_at = Some(now);
                transaction.update_task(&held).await?;
                note(transaction, &held, bound.alias.as_str(), request.instance_id.as_str(), now).await?;
                tasks.push(claimed(held, lease_end));
            }
            let inbox_count = node.inbox_count.saturating_sub((tasks.len() - again) as u64);
            Ok((node.node_id, TasksClaimed { tasks, inbox_count }))
        })
        .await?;
    hub.live().presence.heard(&node_id, &instance_id, None, now);
    Ok(claimed)
}

/// Tasks that this run has claimed and knows nothing of, because the answer got lost on its way.
async fn unheard(
    transaction: &mut dyn Transaction,
    node_id: &NodeId,
    request: &ClaimTasks,
) -> Result<Vec<StoredTask>, HubError> {
    let mut held = transaction.held_tasks(node_id).await?;
    held.retain(|stored| {
        let is_unacked = stored.task.status == TaskState::Delivered;
        let is_its = stored.holder.as_ref() == Some(&request.instance_id);
        let is_known = request
            .holding
            .iter()
            .any(|known| known.task_id == stored.task.task_id && known.attempt == stored.task.attempt);
        is_unacked && is_its && !is_known
    });
    held.truncate(request.max as usize);
    Ok(held)
}

/// The state stays `delivered`, but the history shows who has taken the task.
async fn note(
    transaction: &mut dyn Transaction,
    held: &StoredTask,
    alias: &str,
    instance_id: &str,
    now: Timestamp,
) -> Result<(), HubError> {
    transaction
        .insert_task_event(&NewTaskEvent {
            task_id: &held.task.task_id,
            network_id: &held.task.network_id,
            from_status: Some(held.task.status),
            to_status: held.task.status,
            actor: alias,
            attempt: held.task.attempt,
            detail: Some(&format!("claimed by {instance_id}")),
            created_at: now,
        })
        .await?;
    Ok(())
}

fn claimed(held: StoredTask, lease_expires_at: Timestamp) -> ClaimedTask {
    let task = held.task;
    ClaimedTask {
        task_id: task.task_id,
        attempt: task.attempt,
        network_id: task.network_id,
        from_name: task.from_name,
        content: task.content,
        priority: task.priority,
        parent_task_id: task.parent_task_id,
        hop_count: task.hop_count,
        created_at: task.created_at,
        lease_expires_at,
    }
}
