mod changes;
mod questions;

use anet_protocol::id::NodeId;
use anet_protocol::rest::{Priority, Task};
use anet_protocol::task_state::TaskState;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use crate::events::Listener;
use crate::store::StoredTask;

fn task(row: &SqliteRow) -> Result<Task, sqlx::Error> {
    Ok(Task {
        task_id: decode::text(row, "task_id")?,
        network_id: decode::text(row, "network_id")?,
        from_name: decode::text(row, "from_name")?,
        from_node_id: decode::optional_text(row, "from_node_id")?,
        to_name: decode::text(row, "to_name")?,
        to_node_id: decode::optional_text(row, "to_node_id")?,
        priority: Priority::from_rank(row.try_get("priority")?),
        status: decode::word(row, "status", TaskState::parse)?,
        content: row.try_get("content")?,
        result: row.try_get("result")?,
        error: decode::optional_json(row, "error")?,
        artifacts: decode::json(row, "artifacts")?,
        parent_task_id: decode::optional_text(row, "parent_task_id")?,
        hop_count: decode::number(row, "hop_count")?,
        attempt: decode::number(row, "attempt")?,
        max_attempts: decode::number(row, "max_attempts")?,
        lease_expires_at: decode::optional_time(row, "lease_expires_at")?,
        created_at: decode::time(row, "created_at")?,
        delivered_at: decode::optional_time(row, "delivered_at")?,
        pushed_at: decode::optional_time(row, "pushed_at")?,
        received_at: decode::optional_time(row, "received_at")?,
        acked_at: decode::optional_time(row, "acked_at")?,
        started_at: decode::optional_time(row, "started_at")?,
        completed_at: decode::optional_time(row, "completed_at")?,
        expires_at: decode::time(row, "expires_at")?,
        updated_at: decode::time(row, "updated_at")?,
    })
}

fn stored_task(row: &SqliteRow) -> Result<StoredTask, sqlx::Error> {
    let to_node_id: NodeId = decode::text(row, "to_node_id")?;
    Ok(StoredTask {
        task: task(row)?,
        to_node_id,
        from_user_id: decode::text(row, "from_user_id")?,
        reply_to: decode::word(row, "reply_to", Listener::parse)?,
        holder: decode::optional_text(row, "lease_instance_id")?,
        sender_id: row.try_get("sender_id")?,
        idempotency_key: row.try_get("idempotency_key")?,
        request_digest: row.try_get("request_digest")?,
    })
}
