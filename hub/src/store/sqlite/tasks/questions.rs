use anet_protocol::id::{NetworkId, NodeId, TaskId};
use anet_protocol::rest::{StateCount, Task, TaskEventRow};
use anet_protocol::task_state::TaskState;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _};

use super::super::filter::{push_equal, push_page, push_scope};
use super::super::session::{Holder, Session};
use super::super::{PAGE_BYTES, decode};
use super::{stored_task, task};
use crate::store::{Page, Scope, StoreResult, StoredTask, TaskFilter, TaskReads};

/// What a page's byte budget counts.
fn weight(task: &Task) -> usize {
    task.content.len() + task.result.as_ref().map_or(0, String::len)
}

fn all(rows: &[SqliteRow]) -> StoreResult<Vec<StoredTask>> {
    Ok(rows.iter().map(stored_task).collect::<Result<_, _>>()?)
}

fn task_event(row: &SqliteRow) -> Result<TaskEventRow, sqlx::Error> {
    let from: Option<String> = row.try_get("from_status")?;
    let from_status = match from {
        Some(_) => Some(decode::word(row, "from_status", TaskState::parse)?),
        None => None,
    };
    Ok(TaskEventRow {
        id: row.try_get("id")?,
        task_id: decode::text(row, "task_id")?,
        network_id: decode::text(row, "network_id")?,
        from_status,
        to_status: decode::word(row, "to_status", TaskState::parse)?,
        actor: row.try_get("actor")?,
        attempt: decode::number(row, "attempt")?,
        detail: row.try_get("detail")?,
        created_at: decode::time(row, "created_at")?,
    })
}

#[async_trait]
impl<C: Holder> TaskReads for Session<C> {
    async fn task(&mut self, task_id: &TaskId) -> StoreResult<Option<StoredTask>> {
        let row = self.query("SELECT * FROM tasks WHERE task_id = $1").bind(task_id.as_str()).fetch_optional().await?;
        Ok(row.as_ref().map(stored_task).transpose()?)
    }

    async fn task_by_key(
        &mut self,
        network_id: &NetworkId,
        sender_id: &str,
        idempotency_key: &str,
    ) -> StoreResult<Option<StoredTask>> {
        let row = self
            .query("SELECT * FROM tasks WHERE network_id = $1 AND sender_id = $2 AND idempotency_key = $3")
            .bind(network_id.as_str())
            .bind(sender_id)
            .bind(idempotency_key)
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(stored_task).transpose()?)
    }

    async fn tasks(&mut self, filter: &TaskFilter) -> StoreResult<Page<Task>> {
        let mut query = QueryBuilder::new("SELECT * FROM tasks");
        push_scope(&mut query, "network_id", &filter.scope);
        push_equal(&mut query, "task_id", filter.task_id.as_ref().map(TaskId::as_str));
        push_equal(&mut query, "status", filter.status.map(TaskState::as_str));
        push_equal(&mut query, "to_name", filter.to_name.as_deref());
        push_equal(&mut query, "from_name", filter.from_name.as_deref());
        push_equal(&mut query, "parent_task_id", filter.parent_task_id.as_ref().map(TaskId::as_str));
        push_page(&mut query, "seq", filter.before, filter.limit);
        let mut rows = query.build().fetch(self.connection().await?);
        let mut page = Page { rows: Vec::new(), next: None };
        let (mut last, mut bytes) = (None, 0);
        while let Some(row) = rows.try_next().await? {
            if page.rows.len() >= filter.limit as usize || bytes > PAGE_BYTES {
                page.next = last;
                break;
            }
            last = Some(row.try_get("seq")?);
            let task = task(&row)?;
            bytes += weight(&task);
            page.rows.push(task);
        }
        Ok(page)
    }

    async fn task_counts(&mut self, scope: &Scope) -> StoreResult<Vec<StateCount>> {
        let mut query = QueryBuilder::new("SELECT status, CAST(SUM(count) AS BIGINT) AS count FROM task_counts");
        push_scope(&mut query, "network_id", scope);
        query.push(" GROUP BY status HAVING SUM(count) > 0 ORDER BY status");
        let rows = query.build().fetch_all(self.connection().await?).await?;
        let read = |row: &SqliteRow| -> Result<StateCount, sqlx::Error> {
            Ok(StateCount {
                status: decode::word(row, "status", TaskState::parse)?,
                count: decode::number(row, "count")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn task_events(
        &mut self,
        scope: &Scope,
        task_id: Option<&TaskId>,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Page<TaskEventRow>> {
        let mut query = QueryBuilder::new("SELECT * FROM task_events");
        push_scope(&mut query, "network_id", scope);
        push_equal(&mut query, "task_id", task_id.map(TaskId::as_str));
        push_page(&mut query, "id", before, limit);
        let rows = query.build().fetch_all(self.connection().await?).await?;
        let mut events = rows.iter().map(task_event).collect::<Result<Vec<_>, _>>()?;
        let more = events.len() > limit as usize;
        events.truncate(limit as usize);
        let next = if more { events.last().map(|event| event.id) } else { None };
        Ok(Page { rows: events, next })
    }

    async fn waiting_tasks(&mut self, node_id: &NodeId, now: Timestamp, limit: u32) -> StoreResult<Vec<StoredTask>> {
        let rows = self
            .query(
                "SELECT * FROM tasks
             WHERE to_node_id = $1 AND status = 'delivered' AND lease_expires_at IS NULL AND expires_at > $2
             ORDER BY priority, seq LIMIT $3",
            )
            .bind(node_id.as_str())
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all()
            .await?;
        all(&rows)
    }

    async fn open_tasks(&mut self, node_id: &NodeId, limit: u32) -> StoreResult<Vec<StoredTask>> {
        let mut tasks = self.held_tasks(node_id).await?;
        // Past their time or not: the sweep may not have seen them yet.
        let always = Timestamp::from_millis(i64::MIN);
        tasks.extend(self.waiting_tasks(node_id, always, limit).await?);
        Ok(tasks)
    }

    async fn held_tasks(&mut self, node_id: &NodeId) -> StoreResult<Vec<StoredTask>> {
        let rows = self
            .query("SELECT * FROM tasks WHERE to_node_id = $1 AND lease_expires_at IS NOT NULL ORDER BY seq")
            .bind(node_id.as_str())
            .fetch_all()
            .await?;
        all(&rows)
    }

    async fn lapsed_tasks(&mut self, now: Timestamp, limit: u32) -> StoreResult<Vec<StoredTask>> {
        let rows = self
            .query(
                "SELECT * FROM tasks WHERE lease_expires_at IS NOT NULL AND lease_expires_at <= $1
             ORDER BY lease_expires_at LIMIT $2",
            )
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all()
            .await?;
        all(&rows)
    }

    async fn overdue_tasks(&mut self, now: Timestamp, limit: u32) -> StoreResult<Vec<StoredTask>> {
        let rows = self
            .query(
                "SELECT * FROM tasks WHERE status = 'delivered' AND lease_expires_at IS NULL AND expires_at <= $1
             ORDER BY expires_at LIMIT $2",
            )
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all()
            .await?;
        all(&rows)
    }
}
