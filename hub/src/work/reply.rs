use anet_protocol::id::{MessageId, TaskId};
use anet_protocol::rest::{AttemptAnswer, ReplyTask, limit};
use anet_protocol::task_state::{TaskEvent, TaskState};

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::tasks::transition::{Change, apply};
use crate::work::attempt::{AttemptCall, answer};

/// The most files one answer may name.
const ARTIFACTS: usize = 100;

/// The task is done. The same answer of the same attempt is taken once and confirmed as often as it comes.
pub(crate) async fn reply(
    hub: &Hub,
    caller: &Caller,
    task_id: &TaskId,
    request: ReplyTask,
) -> Result<AttemptAnswer, HubError> {
    let ReplyTask { instance_id, attempt, text, artifacts } = request;
    if text.len() > limit::RESULT_BYTES {
        let rule = format!("at most {} bytes; give more as an artifact", limit::RESULT_BYTES);
        return Err(Refusal::invalid("text", rule).into());
    }
    if artifacts.len() > ARTIFACTS {
        return Err(Refusal::invalid("artifacts", format!("at most {ARTIFACTS}")).into());
    }
    let now = hub.now();
    let message_id = MessageId::random(hub.entropy());
    let call = AttemptCall { caller: caller.clone(), instance_id, task_id: task_id.clone(), attempt };
    let presence = call.presence();
    let answer = hub
        .write(async move |transaction| {
            let stored = call.task(transaction).await?;
            let is_replay = stored.task.status == TaskState::Replied
                && stored.task.attempt == attempt
                && stored.task.result.as_ref() == Some(&text)
                && stored.task.artifacts == artifacts;
            if is_replay {
                return Ok(answer(stored, true));
            }
            call.check_holder(transaction, &stored).await?;
            let change = Change { event: TaskEvent::Reply, actor: call.caller.name(), detail: None, now, message_id };
            let after = apply(transaction, &stored, change, |task| {
                task.task.result = Some(text);
                task.task.artifacts = artifacts;
            })
            .await?;
            Ok(answer(after, false))
        })
        .await?;
    presence.note(hub);
    Ok(answer)
}
