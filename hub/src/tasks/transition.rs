//! The one place where a task changes its state.

use anet_protocol::event::Event;
use anet_protocol::id::MessageId;
use anet_protocol::rest::{ErrorCode, MessageType};
use anet_protocol::task_state::{TaskEvent, TaskState};
use anet_protocol::time::Timestamp;

use crate::error::{HubError, Refusal};
use crate::events::{Channel, Effect};
use crate::store::{NewMessage, NewTaskEvent, StoredTask, Transaction};

/// What happens, who does it, and when.
pub(crate) struct Change<'a> {
    pub event: TaskEvent,
    /// An alias, a user name, or `hub`.
    pub actor: &'a str,
    /// A sentence for the history.
    pub detail: Option<&'a str>,
    pub now: Timestamp,
    /// Names the message that tells the sender of the end.
    pub message_id: MessageId,
}

/// Changes the state by the table of `protocol`, together with whatever `edit` sets; writes the row, the history and,
/// at the end of the task, the sender's message and event. Gives the task as it is then.
pub(crate) async fn apply(
    transaction: &mut dyn Transaction,
    before: &StoredTask,
    change: Change<'_>,
    edit: impl FnOnce(&mut StoredTask),
) -> Result<StoredTask, HubError> {
    let Some(status) = before.task.status.after(change.event) else { return Err(refusal(before).into()) };
    let mut after = before.clone();
    edit(&mut after);
    after.task.status = status;
    after.task.updated_at = change.now;
    if change.event == TaskEvent::Release || status.is_terminal() {
        after.holder = None;
        after.task.lease_expires_at = None;
    }
    if change.event == TaskEvent::Release {
        // The next attempt starts from nothing.
        after.task.acked_at = None;
        after.task.started_at = None;
    }
    if status.is_terminal() {
        after.task.completed_at = Some(change.now);
    }
    transaction.update_task(&after).await?;
    note(transaction, before, &after, &change).await?;
    if status.is_terminal() {
        tell_sender(transaction, &after, &change).await?;
    }
    Ok(after)
}

async fn note(
    transaction: &mut dyn Transaction,
    before: &StoredTask,
    after: &StoredTask,
    change: &Change<'_>,
) -> Result<(), HubError> {
    transaction
        .insert_task_event(&NewTaskEvent {
            task_id: &after.task.task_id,
            network_id: &after.task.network_id,
            from_status: Some(before.task.status),
            to_status: after.task.status,
            actor: change.actor,
            attempt: after.task.attempt,
            detail: change.detail,
            created_at: change.now,
        })
        .await?;
    Ok(())
}

async fn tell_sender(
    transaction: &mut dyn Transaction,
    ended: &StoredTask,
    change: &Change<'_>,
) -> Result<(), HubError> {
    let task = &ended.task;
    transaction
        .insert_message(&NewMessage {
            message_id: &change.message_id,
            network_id: &task.network_id,
            kind: MessageType::Reply,
            from_name: change.actor,
            to_name: ended.reply_to.name(),
            content: None,
            task_id: Some(&task.task_id),
            created_at: change.now,
        })
        .await?;
    let channel = Channel { network_id: task.network_id.clone(), listener: ended.reply_to.clone() };
    let event = Event::NewReply {
        from: change.actor.to_owned(),
        message_id: change.message_id.clone(),
        in_reply_to: task.task_id.clone(),
        status: task.status,
    };
    transaction.append_event(&channel, &event, change.now).await?;
    transaction.after_commit(Effect::TaskEnded(task.task_id.clone()));
    Ok(())
}

/// Why the state of the task does not allow what was asked.
pub(crate) fn refusal(stored: &StoredTask) -> Refusal {
    let status = stored.task.status;
    if status.is_terminal() {
        return Refusal::new(ErrorCode::TaskTerminal, "task_terminal")
            .message(format!("the task is over: {status}"))
            .detail("task_id", stored.task.task_id.as_str())
            .detail("task_status", status.as_str());
    }
    let hint = if status == TaskState::Delivered { "acknowledge the task first" } else { "look at the task's state" };
    Refusal::invalid("task", format!("not possible while the task is {status}")).hint(hint)
}
