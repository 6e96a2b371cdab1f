use anet_protocol::id::MessageId;
use anet_protocol::rest::TaskError;
use anet_protocol::task_state::TaskEvent;
use anet_protocol::time::Timestamp;

use crate::error::HubError;
use crate::store::{StoredTask, Transaction};
use crate::tasks::doorbell::ring;
use crate::tasks::transition::{Change, apply};

/// Why an attempt ended without an answer.
pub(crate) struct Loss {
    /// `lease_expired` or `lost`.
    pub code: &'static str,
    /// A sentence for people.
    pub reason: String,
    pub now: Timestamp,
    /// Names the message to the sender, should the task end here.
    pub message_id: MessageId,
}

/// Puts a task whose attempt was lost back into the queue, or fails it when that was the last one allowed.
pub(crate) async fn release_or_fail(
    transaction: &mut dyn Transaction,
    stored: &StoredTask,
    loss: Loss,
) -> Result<StoredTask, HubError> {
    let Loss { code, reason, now, message_id } = loss;
    let last = stored.task.attempt >= stored.task.max_attempts;
    let event = if last { TaskEvent::Fail } else { TaskEvent::Release };
    let change = Change { event, actor: "hub", detail: Some(&reason), now, message_id };
    let after = apply(transaction, stored, change, |task| {
        if last {
            let message = format!("{reason}, at attempt {} of {}", task.task.attempt, task.task.max_attempts);
            task.task.result = Some(message.clone());
            task.task.error = Some(TaskError { code: code.to_owned(), message, retryable: true });
        }
    })
    .await?;
    if !last {
        ring(transaction, &after, now).await?;
    }
    Ok(after)
}
