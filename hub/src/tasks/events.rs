use anet_protocol::rest::{TaskEventList, TaskEventQuery};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::tasks::list::{cursor_key, page_end};

/// What happened to tasks, newest first.
pub(crate) async fn list(hub: &Hub, caller: &Caller, query: TaskEventQuery) -> Result<TaskEventList, HubError> {
    let mut reads = hub.read().await?;
    let scope = caller.scope(&mut *reads, query.network_id.as_ref()).await?;
    let before = cursor_key(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(50).clamp(1, 500);
    let page = reads.task_events(&scope, query.task_id.as_ref(), before, limit).await?;
    Ok(TaskEventList { count: page.rows.len(), events: page.rows, page: page_end(page.next) })
}
