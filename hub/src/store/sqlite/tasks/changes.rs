use anet_protocol::id::{InstanceId, NodeId, TaskId};
use anet_protocol::task_state::TaskState;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::super::decode;
use super::super::session::WritingSession;
use crate::store::{NewTaskEvent, StoreResult, StoredTask, TaskWrites};

#[async_trait]
impl TaskWrites for WritingSession {
    async fn insert_task(&mut self, stored: &StoredTask) -> StoreResult<()> {
        let task = &stored.task;
        self.query(
            "INSERT INTO tasks (task_id, network_id, from_name, from_user_id, from_node_id, reply_to, to_name,
                                to_node_id, priority, status, content, artifacts, parent_task_id, hop_count, attempt,
                                max_attempts, sender_id, idempotency_key, request_digest, created_at, delivered_at,
                                expires_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '[]', $12, $13, 0, $14, $15, $16, $17, $18, $19, $20, $21)",
        )
        .bind(task.task_id.as_str())
        .bind(task.network_id.as_str())
        .bind(&task.from_name)
        .bind(stored.from_user_id.as_str())
        .bind(task.from_node_id.as_ref().map(NodeId::as_str))
        .bind(stored.reply_to.key())
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
        .bind(task.updated_at.as_millis())
        .put_off()
        .await
    }

    async fn update_task(&mut self, stored: &StoredTask) -> StoreResult<()> {
        let task = &stored.task;
        let error = task.error.as_ref().map(decode::to_json).transpose()?;
        let artifacts = decode::to_json(&task.artifacts)?;
        self.query(
            "UPDATE tasks SET status = $1, result = $2, error = $3, artifacts = $4, attempt = $5, max_attempts = $6,
                              lease_instance_id = $7, lease_expires_at = $8, delivered_at = $9, received_at = $10,
                              acked_at = $11, started_at = $12, completed_at = $13, updated_at = $14
             WHERE task_id = $15",
        )
        .bind(task.status.as_str())
        .bind(&task.result)
        .bind(error)
        .bind(artifacts)
        .bind(task.attempt)
        .bind(task.max_attempts)
        .bind(stored.holder.as_ref().map(InstanceId::as_str))
        .bind(task.lease_expires_at.map(Timestamp::as_millis))
        .bind(task.delivered_at.map(Timestamp::as_millis))
        .bind(task.received_at.map(Timestamp::as_millis))
        .bind(task.acked_at.map(Timestamp::as_millis))
        .bind(task.started_at.map(Timestamp::as_millis))
        .bind(task.completed_at.map(Timestamp::as_millis))
        .bind(task.updated_at.as_millis())
        .bind(task.task_id.as_str())
        .put_off()
        .await
    }

    async fn insert_task_event(&mut self, event: &NewTaskEvent<'_>) -> StoreResult<()> {
        self.query(
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
        .put_off()
        .await
    }

    async fn stamp_pushed(&mut self, task_id: &TaskId, pushed_at: Timestamp) -> StoreResult<()> {
        self.query("UPDATE tasks SET pushed_at = $1 WHERE task_id = $2")
            .bind(pushed_at.as_millis())
            .bind(task_id.as_str())
            .put_off()
            .await
    }

    async fn extend_leases(&mut self, until: Timestamp) -> StoreResult<u64> {
        let extended = self
            .query(
                "UPDATE tasks SET lease_expires_at = $1 WHERE lease_expires_at IS NOT NULL AND lease_expires_at < $2
                 RETURNING task_id",
            )
            .bind(until.as_millis())
            .bind(until.as_millis())
            .fetch_all()
            .await?;
        Ok(extended.len() as u64)
    }
}
