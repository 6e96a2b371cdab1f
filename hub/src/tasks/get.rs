use std::time::Duration;

use anet_protocol::id::TaskId;
use anet_protocol::rest::TaskAnswer;

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::tasks::find::readable;

/// The longest a call may wait, in seconds: below the idle limits of common proxies.
pub(crate) const LONGEST_WAIT: u64 = 25;

/// One task; with `wait`, not before it is over or so many seconds have passed.
pub(crate) async fn get(
    hub: &Hub,
    caller: &Caller,
    task_id: &TaskId,
    wait: Option<u64>,
) -> Result<TaskAnswer, HubError> {
    let wait = wait.unwrap_or(0);
    if wait > LONGEST_WAIT {
        return Err(Refusal::invalid("wait", format!("0 to {LONGEST_WAIT} seconds")).into());
    }
    // Before the look at the row, so that an end in between is not missed.
    let end = (wait > 0).then(|| hub.task_end(task_id));
    let stored = readable(&mut *hub.read().await?, caller, task_id).await?;
    let Some(end) = end.filter(|_| !stored.task.status.is_terminal()) else {
        return Ok(TaskAnswer { task: stored.task });
    };
    tokio::select! {
        () = end => {}
        () = tokio::time::sleep(Duration::from_secs(wait)) => {}
        () = hub.stopping().cancelled() => {}
    }
    // Asked anew: the token may be gone by now.
    let stored = readable(&mut *hub.read().await?, caller, task_id).await?;
    Ok(TaskAnswer { task: stored.task })
}
