use anet_protocol::id::{InstanceId, NetworkId, NodeId, TaskId};
use anet_protocol::task_state::TaskState;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::super::{WritingSession, decode};
use crate::store::{NewTaskEvent, StoreResult, StoredTask, TaskWrites};

impl WritingSession {
    async fn count(&mut self, network_id: &NetworkId, status: TaskState, by: i64) -> StoreResult<()> {
        sqlx::query(
            "INSERT INTO task_counts (network_id, status, count) VALUES ($1, $2, $3)
             ON CONFLICT (network_id, status) DO UPDATE SET count = task_counts.count + excluded.count",
        )
        .bind(network_id.as_str())
        .bind(status.as_str())
        .bind(by)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Keeps the node's count of waiting tasks.
    async fn count_waiting(&mut self, node_id: &NodeId, before: bool, after: bool) -> StoreResult<()> {
        if before != after {
            sqlx::query("UPDATE nodes SET inbox_count = inbox_count + $2 WHERE node_id = $1")
                .bind(node_id.as_str())
                .bind(if after { 1 } else { -1 })
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }
}

#[async_trait]
impl TaskWrites for WritingSession {
    async fn insert_task(&mut self, stored: &StoredTask) -> StoreResult<()> {
        let task = &stored.task;
        sqlx::query(
            "INSERT INTO tasks (task_id, network_id, from_name, from_user_id, from_node_id, to_name, to_node_id,
                                priority, status, content, artifacts, parent_task_id, hop_count, attempt,
                                max_attempts, sender_id, idempotency_key, request_digest, created_at, delivered_at,
                                expires_at, updated_at, reply_to)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '[]', $11, $12, 0, $13, $14, $15, $16, $17, $18, $19,
                     $17, $20)",
        )
        .bind(task.task_id.as_str())
        .bind(task.network_id.as_str())
        .bind(&task.from_name)
        .bind(stored.from_user_id.as_str())
        .bind(task.from_node_id.as_ref().map(NodeId::as_str))
        .bind(task.to_name.as_str())
        .bind(stored.to_node_id.as_str())
        .bind(task.priority.rank())
        .bind(task.status.as_str())
        .bind(&task.content)
        .bind(task.parent_task_id.as_ref().map(TaskId::as_str))
        .bind(task.hop_count)
        .bind(task.max_attempts)
        .bind(&stored.sender_id)
        .bind(&stored.idempotency_key)
        .bind(&stored.request_digest)
        .bind(task.created_at.as_millis())
        .bind(task.delivered_at.map(Timestamp::as_millis))
        .bind(task.expires_at.as_millis())
        .bind(stored.reply_to.key())
        .execute(&mut *self.connection)
        .await?;
        self.count(&task.network_id, task.status, 1).await?;
        self.count_waiting(&stored.to_node_id, false, stored.is_waiting()).await
    }

    async fn update_task(&mut self, before: &StoredTask, after: &StoredTask) -> StoreResult<()> {
        let task = &after.task;
        sqlx::query(
            "UPDATE tasks SET status = $2, result = $3, error = $4, artifacts = $5, attempt = $6, max_attempts = $7,
                              lease_instance_id = $8, lease_expires_at = $9, delivered_at = $10, received_at = $11,
                              acked_at = $12, started_at = $13, completed_at = $14, updated_at = $15
             WHERE task_id = $1",
        )
        .bind(task.task_id.as_str())
        .bind(task.status.as_str())
        .bind(&task.result)
        .bind(task.error.as_ref().map(decode::to_json).transpose()?)
        .bind(decode::to_json(&task.artifacts)?)
        .bind(task.attempt)
        .bind(task.max_attempts)
        .bind(after.holder.as_ref().map(InstanceId::as_str))
        .bind(task.lease_expires_at.map(Timestamp::as_millis))
        .bind(task.delivered_at.map(Timestamp::as_millis))
        .bind(task.received_at.map(Timestamp::as_millis))
        .bind(task.acked_at.map(Timestamp::as_millis))
        .bind(task.started_at.map(Timestamp::as_millis))
        .bind(task.completed_at.map(Timestamp::as_millis))
        .bind(task.updated_at.as_millis())
        .execute(&mut *self.connection)
        .await?;
        if before.task.status != task.status {
            self.count(&task.network_id, before.task.status, -1).await?;
            self.count(&task.network_id, task.status, 1).await?;
        }
        self.count_waiting(&after.to_node_id, before.is_waiting(), after.is_waiting()).await
    }

    async fn insert_task_event(&mut self, event: &NewTaskEvent<'_>) -> StoreResult<()> {
        sqlx::query(
            "INSERT INTO task_events (task_id, network_id, from_status, to_status, actor, attempt, detail, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(event.task_id.as_str())
        .bind(event.network_id.as_str())
        .bind(event.from_status.map(TaskState::as_str))
        .bind(event.to_status.as_str())
        .bind(event.actor)
        .bind(event.attempt)
        .bind(event.detail)
        .bind(event.created_at.as_millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn stamp_pushed(&mut self, task_id: &TaskId, pushed_at: Timestamp) -> StoreResult<()> {
        sqlx::query("UPDATE tasks SET pushed_at = $2 WHERE task_id = $1")
            .bind(task_id.as_str())
            .bind(pushed_at.as_millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn extend_leases(&mut self, until: Timestamp) -> StoreResult<u64> {
        let done = sqlx::query(
            "UPDATE tasks SET lease_expires_at = $1 WHERE lease_expires_at IS NOT NULL AND lease_expires_at < $1",
        )
        .bind(until.as_millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected())
    }
}
