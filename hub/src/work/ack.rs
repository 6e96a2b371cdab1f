use anet_protocol::id::{MessageId, TaskId};
use anet_protocol::rest::{AckTask, AttemptAnswer};
use anet_protocol::task_state::{TaskEvent, TaskState};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::tasks::transition::{Change, apply};
use crate::work::attempt::{AttemptCall, answer};
use crate::work::register::lease;

/// The node has the task on its own disk.
pub(crate) async fn ack(
    hub: &Hub,
    caller: &Caller,
    task_id: &TaskId,
    request: AckTask,
) -> Result<AttemptAnswer, HubError> {
    let AckTask { instance_id, attempt } = request;
    let (now, lease_end) = (hub.now(), hub.lease_end());
    let message_id = MessageId::random(hub.entropy());
    let call = AttemptCall { caller: caller.clone(), instance_id, task_id: task_id.clone(), attempt };
    let presence = call.presence();
    let answer = hub
        .write(async move |transaction| {
            let stored = call.task(transaction).await?;
            call.check_holder(transaction, &stored).await?;
            if stored.task.status != TaskState::Delivered {
                return Ok(answer(stored, true));
            }
            let change = Change { event: TaskEvent::Ack, actor: call.caller.name(), detail: None, now, message_id };
            let after = apply(transaction, &stored, change, |task| {
                *task = lease(task, &call.instance_id, lease_end, now);
                task.task.acked_at = Some(now);
            })
            .await?;
            Ok(answer(after, false))
        })
        .await?;
    presence.note(hub);
    Ok(answer)
}
