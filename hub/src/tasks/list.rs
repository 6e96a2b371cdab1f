use anet_protocol::rest::{PageEnd, TaskList, TaskQuery};

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::TaskFilter;

/// Reads the key at which an earlier page ended.
pub(crate) fn cursor_key(cursor: Option<&str>) -> Result<Option<i64>, HubError> {
    let read = |text: &str| {
        text.parse().map_err(|_| Refusal::invalid("cursor", "take it from `next_cursor` of an earlier page").into())
    };
    cursor.map(read).transpose()
}

/// Names the key at which a page ended.
pub(crate) fn page_end(next: Option<i64>) -> PageEnd {
    PageEnd { next_cursor: next.map(|key| key.to_string()) }
}

/// Tasks of the networks in reach, newest first.
pub(crate) async fn list(hub: &Hub, caller: &Caller, query: TaskQuery) -> Result<TaskList, HubError> {
    let mut reads = hub.read().await?;
    let scope = caller.scope(&mut *reads, query.network_id.as_ref()).await?;
    let stats = reads.task_counts(&scope).await?;
    let page = reads
        .tasks(&TaskFilter {
            scope,
            task_id: query.task_id,
            status: query.status,
            to_name: query.to_name,
            from_name: query.from_name,
            parent_task_id: query.parent_task_id,
            before: cursor_key(query.cursor.as_deref())?,
            limit: query.limit.unwrap_or(50).clamp(1, 200),
        })
        .await?;
    Ok(TaskList { count: page.rows.len(), tasks: page.rows, stats, page: page_end(page.next) })
}
