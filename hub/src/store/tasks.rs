use anet_protocol::id::{InstanceId, NetworkId, NodeId, TaskId, UserId};
use anet_protocol::rest::{StateCount, Task, TaskEventRow};
use anet_protocol::task_state::TaskState;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::{Page, Scope, StoreResult};
use crate::events::Listener;

/// A task with what only the hub needs to know.
#[derive(Clone, Debug)]
pub(crate) struct StoredTask {
    pub task: Task,
    /// Where the task was sent; the row may be gone.
    pub to_node_id: NodeId,
    /// Whose token sent it.
    pub from_user_id: UserId,
    /// Who is told of the end.
    pub reply_to: Listener,
    /// The run that holds it; `None` as `task.lease_expires_at` is.
    pub holder: Option<InstanceId>,
    /// Whose idempotency key it is: the sending node's id, else the user's.
    pub sender_id: String,
    pub idempotency_key: Option<String>,
    /// SHA-256 of what was asked for.
    pub request_digest: Option<String>,
}

impl StoredTask {
    /// In the inbox, and nobody has claimed it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.task.status == TaskState::Delivered && self.holder.is_none()
    }
}

/// Which tasks; all conditions must hold.
pub(crate) struct TaskFilter {
    pub scope: Scope,
    pub task_id: Option<TaskId>,
    pub status: Option<TaskState>,
    pub to_name: Option<String>,
    pub from_name: Option<String>,
    pub parent_task_id: Option<TaskId>,
    /// Only tasks with a lower key.
    pub before: Option<i64>,
    pub limit: u32,
}

/// A change of a task, to be stored.
pub(crate) struct NewTaskEvent<'a> {
    pub task_id: &'a TaskId,
    pub network_id: &'a NetworkId,
    pub from_status: Option<TaskState>,
    pub to_status: TaskState,
    pub actor: &'a str,
    pub attempt: u32,
    pub detail: Option<&'a str>,
    pub created_at: Timestamp,
}

/// Questions about tasks.
#[async_trait]
pub(crate) trait TaskReads: Send {
    async fn task(&mut self, task_id: &TaskId) -> StoreResult<Option<StoredTask>>;
    async fn task_by_key(
        &mut self,
        network_id: &NetworkId,
        sender_id: &str,
        idempotency_key: &str,
    ) -> StoreResult<Option<StoredTask>>;
    /// Newest first.
    async fn tasks(&mut self, filter: &TaskFilter) -> StoreResult<Page<Task>>;
    async fn task_counts(&mut self, scope: &Scope) -> StoreResult<Vec<StateCount>>;
    /// Newest first.
    async fn task_events(
        &mut self,
        scope: &Scope,
        task_id: Option<&TaskId>,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Page<TaskEventRow>>;
    /// Waiting tasks of a node that are not past their time: high priority first, then oldest first.
    async fn waiting_tasks(&mut self, node_id: &NodeId, now: Timestamp, limit: u32) -> StoreResult<Vec<StoredTask>>;
    /// Open tasks of a node, held or waiting.
    async fn open_tasks(&mut self, node_id: &NodeId, limit: u32) -> StoreResult<Vec<StoredTask>>;
    /// Tasks that some run of the node holds.
    async fn held_tasks(&mut self, node_id: &NodeId) -> StoreResult<Vec<StoredTask>>;
    /// Tasks whose lease has run out.
    async fn lapsed_tasks(&mut self, now: Timestamp, limit: u32) -> StoreResult<Vec<StoredTask>>;
    /// Waiting tasks that are past their time.
    async fn overdue_tasks(&mut self, now: Timestamp, limit: u32) -> StoreResult<Vec<StoredTask>>;
}

/// Changes of tasks. The engine keeps the counters.
#[async_trait]
pub(crate) trait TaskWrites: Send {
    async fn insert_task(&mut self, task: &StoredTask) -> StoreResult<()>;
    async fn update_task(&mut self, task: &StoredTask) -> StoreResult<()>;
    async fn insert_task_event(&mut self, event: &NewTaskEvent<'_>) -> StoreResult<()>;
    /// Notes that the doorbell was given to a live stream.
    async fn stamp_pushed(&mut self, task_id: &TaskId, pushed_at: Timestamp) -> StoreResult<()>;
    /// Gives every lease at least until `until`; tells how many were given more.
    async fn extend_leases(&mut self, until: Timestamp) -> StoreResult<u64>;
}
