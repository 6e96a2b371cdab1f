use anet_protocol::id::{MessageId, TaskId};
use anet_protocol::rest::{AttemptAnswer, FailTask, limit};
use anet_protocol::task_state::{TaskEvent, TaskState};

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::tasks::doorbell::ring;
use crate::tasks::transition::{Change, apply};
use crate::work::attempt::{AttemptCall, answer};

/// A task that was given back this often fails after all, so that a node that cannot keep it does not do so for ever.
const GIVEN_BACK: u32 = 20;

/// The task is not done: for good, or through no fault of its own, and then it goes back to the queue without
/// costing an attempt.
pub(crate) async fn fail(
    hub: &Hub,
    caller: &Caller,
    task_id: &TaskId,
    request: FailTask,
) -> Result<AttemptAnswer, HubError> {
    let FailTask { instance_id, attempt, error, give_back } = request;
    if error.code.chars().count() > 100 || error.message.len() > limit::RESULT_BYTES {
        return Err(Refusal::invalid("error", "the code has at most 100 characters, the message 1 MiB").into());
    }
    let now = hub.now();
    let message_id = MessageId::random(hub.entropy());
    let call = AttemptCall { caller: caller.clone(), instance_id, task_id: task_id.clone(), attempt };
    let presence = call.presence();
    let answer = hub
        .write(async move |transaction| {
            let stored = call.task(transaction).await?;
            let is_replay = stored.task.attempt == attempt
                && if give_back {
                    stored.is_waiting() && attempt > 0
                } else {
                    stored.task.status == TaskState::Failed && stored.task.error.as_ref() == Some(&error)
                };
            if is_replay {
                return Ok(answer(stored, true));
            }
            call.check_holder(transaction, &stored).await?;
            let actor = call.caller.name();
            let detail = Some(error.message.as_str());
            if give_back && attempt < GIVEN_BACK {
                let change = Change { event: TaskEvent::Release, actor, detail, now, message_id };
                let after = apply(transaction, &stored, change, |task| task.task.max_attempts += 1).await?;
                ring(transaction, &after, now).await?;
                return Ok(answer(after, false));
            }
            let change = Change { event: TaskEvent::Fail, actor, detail, now, message_id };
            let after = apply(transaction, &stored, change, |task| {
                task.task.result = Some(error.message.clone());
                task.task.error = Some(error.clone());
            })
            .await?;
            Ok(answer(after, false))
        })
        .await?;
    presence.note(hub);
    Ok(answer)
}
