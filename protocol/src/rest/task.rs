use serde::{Deserialize, Serialize};

use super::PageEnd;
use crate::id::{Alias, MessageId, NetworkId, NodeId, TaskId};
use crate::task_state::TaskState;
use crate::time::Timestamp;

/// How urgent a task is: the order in which an inbox is claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before all others.
    High,
    /// The rule.
    #[default]
    Normal,
    /// After all others.
    Low,
}

impl Priority {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// 0 for high, 1 for normal, 2 for low: sorts an inbox.
    #[must_use]
    pub const fn rank(self) -> i64 {
        self as i64
    }

    /// The priority of a rank; any unknown rank is normal.
    #[must_use]
    pub const fn from_rank(rank: i64) -> Self {
        match rank {
            0 => Self::High,
            2 => Self::Low,
            _ => Self::Normal,
        }
    }
}

/// Limits of upstream's schema (commhub-http §1.6), in characters unless said.
pub mod limit {
    /// An alias.
    pub const ALIAS: usize = 200;
    /// A task's or message's text.
    pub const CONTENT: usize = 10_000;
    /// A result's text in bytes; longer ones are artifacts.
    pub const RESULT_BYTES: usize = 1_048_576;
    /// An idempotency key.
    pub const IDEMPOTENCY_KEY: usize = 200;
    /// The longest and the standard time to live, in seconds.
    pub const TTL_SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;
    /// Used where a sender names none.
    pub const DEFAULT_TTL_SECONDS: u32 = 3_600;
    /// How often a task may pass from agent to agent, so that a loop of agents ends.
    pub const HOPS: u32 = 16;
}

/// `POST /api/task`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendTask {
    /// To whom.
    pub alias: Alias,
    /// What to do.
    #[schema(min_length = 1, max_length = 10_000)]
    pub task: String,
    /// How urgent.
    #[serde(default)]
    pub priority: Priority,
    /// A label of the sender, for people's tokens only; a node is always named by its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub from: Option<String>,
    /// In which network; needed when the caller is in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
    /// The task this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_task_id: Option<TaskId>,
    /// How long it may wait for a node, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400)]
    pub ttl_seconds: Option<u32>,
    /// The same key from the same sender means the same task. The header `Idempotency-Key` says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub idempotency_key: Option<String>,
}

/// The answer to a send: the task is on disk.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskSent {
    /// The task.
    pub task_id: TaskId,
    /// The same id, as upstream answers.
    pub message_id: MessageId,
    /// Always true: the task is stored.
    pub queued: bool,
    /// Whether the recipient listens right now.
    pub online: bool,
    /// What the recipient last said of itself: `idle`, `working`, …, or `offline`.
    pub session_status: String,
    /// Until when it waits for the recipient.
    pub expires_at: Timestamp,
    /// True when the key was seen before and this is the task of then.
    #[serde(default)]
    pub replayed: bool,
    /// The name that was asked for, where the agent has another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<Alias>,
    /// The name that the agent has by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<Alias>,
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskError {
    /// A stable word: `exit_status`, `timeout`, `spawn_failed`, `lease_expired`, `lost`, …
    pub code: String,
    /// What a person should know, with the last lines of stderr where there are any.
    pub message: String,
    /// Whether doing it again may help.
    pub retryable: bool,
}

/// A result too large for the task's row: a file on the node's machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Artifact {
    /// The absolute path on the node's machine.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
}

/// A task, with the evidence of what happened to it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Task {
    /// The id.
    pub task_id: TaskId,
    /// Its network.
    pub network_id: NetworkId,
    /// Who asked: an alias, a user name, or `api`.
    pub from_name: String,
    /// The asking node; absent for people.
    pub from_node_id: Option<NodeId>,
    /// Who is asked.
    pub to_name: Alias,
    /// The asked node.
    pub to_node_id: Option<NodeId>,
    /// How urgent.
    pub priority: Priority,
    /// The state.
    pub status: TaskState,
    /// What to do.
    pub content: String,
    /// The answer, or the reason of a failure or cancellation.
    pub result: Option<String>,
    /// Why it failed.
    pub error: Option<TaskError>,
    /// Results that did not fit.
    pub artifacts: Vec<Artifact>,
    /// The task it is a part of.
    pub parent_task_id: Option<TaskId>,
    /// How many agents passed it on before.
    pub hop_count: u32,
    /// How many times a node has claimed it; the running number of the current or last attempt.
    pub attempt: u32,
    /// How many attempts it is allowed.
    pub max_attempts: u32,
    /// Until when the current attempt holds it.
    pub lease_expires_at: Option<Timestamp>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was put into the inbox.
    pub delivered_at: Option<Timestamp>,
    /// When its doorbell was last given to a live stream.
    pub pushed_at: Option<Timestamp>,
    /// When a node last fetched it.
    pub received_at: Option<Timestamp>,
    /// When a node had it on its own disk.
    pub acked_at: Option<Timestamp>,
    /// When a runtime began on it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Until when it may wait for a node.
    pub expires_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
}

/// `GET /api/task/:id`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskAnswer {
    /// The task.
    pub task: Task,
}

/// The query of `GET /api/tasks`. All filters must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskQuery {
    /// One task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// In this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskState>,
    /// To this alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_name: Option<String>,
    /// From this sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// Parts of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_task_id: Option<TaskId>,
    /// In this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
    /// At most this many, 1 to 200, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where a page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(pattern = "^-?[0-9]+$")]
    pub cursor: Option<String>,
}

/// `GET /api/tasks`: newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskList {
    /// The tasks of this page.
    pub tasks: Vec<Task>,
    /// How many are on this page.
    pub count: usize,
    /// How many there are in each state in the networks asked for.
    pub stats: Vec<StateCount>,
    /// The next page.
    #[serde(flatten)]
    pub page: PageEnd,
}

/// How many tasks are in a state.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StateCount {
    /// The state.
    pub status: TaskState,
    /// How many.
    pub count: u64,
}

/// One change of a task.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskEventRow {
    /// Increasing over the whole hub.
    pub id: i64,
    /// The task.
    pub task_id: TaskId,
    /// Its network.
    pub network_id: NetworkId,
    /// The state before.
    pub from_status: Option<TaskState>,
    /// The state after.
    pub to_status: TaskState,
    /// Who did it: an alias, a user name, or `hub`.
    pub actor: String,
    /// The attempt it belongs to; 0 before the first.
    pub attempt: u32,
    /// A sentence.
    pub detail: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// The query of `GET /api/task_events`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskEventQuery {
    /// Of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// In this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
    /// At most this many, 1 to 500, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where a page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(pattern = "^-?[0-9]+$")]
    pub cursor: Option<String>,
}

/// `GET /api/task_events`: newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskEventList {
    /// The changes of this page.
    pub events: Vec<TaskEventRow>,
    /// How many are on this page.
    pub count: usize,
    /// The next page.
    #[serde(flatten)]
    pub page: PageEnd,
}

/// `POST /api/task/:id/cancel`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelTask {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    pub reason: Option<String>,
}
