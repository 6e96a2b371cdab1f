use anet_protocol::id::TaskId;
use anet_protocol::rest::ErrorCode;
use anet_protocol::role::Operation;

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::store::{Reads, StoredTask};

/// The answer for a task that does not exist and for one that is not the caller's to see: the same.
pub(crate) fn not_found(task_id: &TaskId) -> HubError {
    Refusal::new(ErrorCode::TaskNotFound, "task_not_found")
        .message("there is no task of that id in your reach")
        .detail("task_id", task_id.as_str())
        .into()
}

/// The task, if the caller may read it.
pub(crate) async fn readable(reads: &mut dyn Reads, caller: &Caller, task_id: &TaskId) -> Result<StoredTask, HubError> {
    let stored = reads.task(task_id).await?.ok_or_else(|| not_found(task_id))?;
    match caller.authorize(reads, &stored.task.network_id, Operation::ReadNetwork).await {
        Ok(()) => Ok(stored),
        Err(HubError::Refused(refusal)) if refusal.code != ErrorCode::InvalidToken => Err(not_found(task_id)),
        Err(error) => Err(error),
    }
}
