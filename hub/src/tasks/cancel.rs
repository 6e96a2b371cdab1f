use anet_protocol::event::Event;
use anet_protocol::id::{MessageId, TaskId};
use anet_protocol::rest::{CancelTask, ErrorCode, TaskAnswer, limit};
use anet_protocol::role::{CredentialKind, Operation};
use anet_protocol::task_state::{TaskEvent, TaskState};

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Channel;
use crate::hub::Hub;
use crate::tasks::find::readable;
use crate::tasks::transition::{Change, apply};

/// Calls a task off, and tells the node that works on it. Calling off twice is calling off once.
pub(crate) async fn cancel(
    hub: &Hub,
    caller: &Caller,
    task_id: &TaskId,
    request: CancelTask,
) -> Result<TaskAnswer, HubError> {
    if request.reason.as_ref().is_some_and(|reason| reason.chars().count() > limit::CONTENT) {
        return Err(Refusal::invalid("reason", format!("at most {} characters", limit::CONTENT)).into());
    }
    let now = hub.now();
    let message_id = MessageId::random(hub.entropy());
    let (caller, task_id) = (caller.clone(), task_id.clone());
    hub.write(async move |transaction| {
        let before = readable(transaction, &caller, &task_id).await?;
        caller.authorize(transaction, &before.task.network_id, Operation::CancelTask).await?;
        if caller.credential == CredentialKind::Node && before.sender_id != caller.sender_id() {
            return Err(Refusal::new(ErrorCode::PermissionDenied, "permission_denied")
                .message("a node may call off only what it has sent itself")
                .into());
        }
        if before.task.status == TaskState::Cancelled {
            return Ok(TaskAnswer { task: before.task });
        }
        let change = Change {
            event: TaskEvent::Cancel,
            actor: caller.name(),
            detail: request.reason.as_deref(),
            now,
            message_id,
        };
        let after = apply(transaction, &before, change, |task| task.task.result.clone_from(&request.reason)).await?;
        if caller.node.is_none() {
            let entry = AuditEntry::by(&caller, "task_cancelled", now)
                .to("task", &before.task.task_id)
                .within(&before.task.network_id);
            transaction.insert_audit(&entry).await?;
        }
        if before.holder.is_some() {
            let node = transaction.node(&before.to_node_id).await?;
            if let Some(node) = node {
                let event = Event::TaskCancelled { task_id, attempt: before.task.attempt };
                let channel = Channel::node(&node.node.network_id, &node.node.alias);
                transaction.append_event(&channel, &event, now).await?;
            }
        }
        Ok(TaskAnswer { task: after.task })
    })
    .await
}
