use anet_protocol::id::{MessageId, TaskId};
use anet_protocol::rest::{AttemptAnswer, RenewTask};
use anet_protocol::task_state::{TaskEvent, TaskState};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::tasks::transition::{Change, apply};
use crate::work::attempt::{AttemptCall, answer};
use crate::work::register::lease;

/// The attempt is alive: its lease begins anew, and the task is `running` once a runtime works on it.
pub(crate) async fn renew(
    hub: &Hub,
    caller: &Caller,
    task_id: &TaskId,
    request: RenewTask,
) -> Result<AttemptAnswer, HubError> {
    let RenewTask { instance_id, attempt, running } = request;
    let (now, lease_end) = (hub.now(), hub.lease_end());
    let message_id = MessageId::random(hub.entropy());
    let call = AttemptCall { caller: caller.clone(), instance_id, task_id: task_id.clone(), attempt };
    let presence = call.presence();
    let answer = hub
        .write(async move |transaction| {
            let stored = call.task(transaction).await?;
            call.check_holder(transaction, &stored).await?;
            let renewed = lease(&stored, &call.instance_id, lease_end, now);
            let starts = running && !matches!(stored.task.status, TaskState::Running | TaskState::InputRequired);
            if !starts {
                transaction.update_task(&renewed).await?;
                return Ok(answer(renewed, false));
            }
            let change = Change { event: TaskEvent::Start, actor: call.caller.name(), detail: None, now, message_id };
            let after = apply(transaction, &stored, change, |task| {
                *task = renewed;
                task.task.started_at = Some(now);
            })
            .await?;
            Ok(answer(after, false))
        })
        .await?;
    presence.note(hub);
    Ok(answer)
}
