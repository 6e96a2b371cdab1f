//! The calls of a node that works: register, report, claim, ack, renew, reply, fail.

use serde::{Deserialize, Serialize};

use super::{Artifact, NodeStatus, Priority, TaskError};
use crate::id::{Alias, InstanceId, NetworkId, NodeId, TaskId};
use crate::task_state::TaskState;
use crate::time::Timestamp;

/// One attempt at one task: what a lease is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// The task.
    pub task_id: TaskId,
    /// Which try, from 1. An answer of an older try is refused.
    pub attempt: u32,
}

/// `POST /api/node/register`: a run of a node takes the node over, or is refused.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterNode {
    /// The node.
    pub node_id: NodeId,
    /// The name it answers to; must be the one its token was made for.
    pub alias: Alias,
    /// This run.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_]{1,64}$")]
    pub instance_id: InstanceId,
    /// The runtime that does its tasks.
    #[schema(max_length = 4096)]
    pub runtime: String,
    /// The model it uses.
    #[serde(default)]
    #[schema(max_length = 4096)]
    pub model: Option<String>,
    /// The machine.
    #[schema(max_length = 4096)]
    pub hostname: String,
    /// The process.
    pub pid: u32,
    /// The project directory.
    #[schema(max_length = 4096)]
    pub project_dir: String,
    /// The program's version.
    #[schema(max_length = 4096)]
    pub version: String,
    /// Attempts whose result this run still has to deliver. Their leases pass to it;
    /// every other lease of an earlier run returns to the queue.
    #[schema(max_items = 10_000)]
    pub holding: Vec<Attempt>,
    /// Earlier runs of this node, at most [`PREVIOUS_RUNS`], all proven dead because this run holds the lock that
    /// each of them held for its whole life. The hub does not wait for a holder that is among them, unless that
    /// holder's event stream is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub previous: Vec<InstanceId>,
}

/// The most runs that [`RegisterNode::previous`] may name. Several, because a run may die between its start and its
/// registration; the hub's holder is then one further back.
pub const PREVIOUS_RUNS: usize = 16;

/// The life of a token that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenLife {
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// The answer to a registration.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeRegistered {
    /// The life of the token that was shown; absent for one that does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_life: Option<TokenLife>,
    /// The alias the hub knows the node by.
    pub alias: Alias,
    /// Its network.
    pub network_id: NetworkId,
    /// How often to report at least.
    pub heartbeat_seconds: u64,
    /// How long a lease lasts; renew at a third of it.
    pub lease_seconds: u64,
    /// Tasks waiting.
    pub inbox_count: u64,
    /// Those of `holding` that no longer belong to this node: forget them.
    pub lost: Vec<Attempt>,
}

/// `POST /api/node/report`: the heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportNode {
    /// This run.
    pub instance_id: InstanceId,
    /// Its true status.
    pub status: NodeStatus,
    /// The tasks it works on.
    #[serde(default)]
    pub tasks: Vec<TaskId>,
}

/// The answer to a heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeReported {
    /// Tasks waiting.
    pub inbox_count: u64,
}

/// `POST /api/node/claim`: take the next tasks of the inbox under a lease.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimTasks {
    /// This run.
    pub instance_id: InstanceId,
    /// At most this many, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub max: u32,
    /// The attempts this run has in hand. A leased task that is not among them was claimed by a call whose
    /// answer got lost; it is given again, as the same attempt.
    #[serde(default)]
    pub holding: Vec<Attempt>,
}

/// A task with its lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClaimedTask {
    /// The task.
    pub task_id: TaskId,
    /// This try.
    pub attempt: u32,
    /// Its network.
    pub network_id: NetworkId,
    /// Who asks.
    pub from_name: String,
    /// What to do.
    pub content: String,
    /// How urgent.
    pub priority: Priority,
    /// The task it is a part of.
    pub parent_task_id: Option<TaskId>,
    /// How many agents passed it on before.
    pub hop_count: u32,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Until when the lease holds.
    pub lease_expires_at: Timestamp,
}

/// The answer to a claim.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TasksClaimed {
    /// High priority first, then oldest first.
    pub tasks: Vec<ClaimedTask>,
    /// Tasks still waiting.
    pub inbox_count: u64,
}

/// `POST /api/node/tasks/:id/ack`: the task is on the node's own disk.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckTask {
    /// This run.
    pub instance_id: InstanceId,
    /// This try.
    pub attempt: u32,
}

/// `POST /api/node/tasks/:id/renew`: the attempt is alive.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewTask {
    /// This run.
    pub instance_id: InstanceId,
    /// This try.
    pub attempt: u32,
    /// Whether a runtime works on it by now: the first such renewal makes the task `running`.
    pub running: bool,
}

/// `POST /api/node/tasks/:id/reply`: done.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyTask {
    /// This run.
    pub instance_id: InstanceId,
    /// This try.
    pub attempt: u32,
    /// The answer.
    #[schema(max_length = 1_048_576)]
    pub text: String,
    /// Results that did not fit into `text`.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub artifacts: Vec<Artifact>,
}

/// `POST /api/node/tasks/:id/fail`: not done.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailTask {
    /// This run.
    pub instance_id: InstanceId,
    /// This try.
    pub attempt: u32,
    /// Why.
    pub error: TaskError,
    /// True: the attempt ended through no fault of the task (the node is leaving), so queue it again;
    /// false: the failure is the answer.
    #[serde(default)]
    pub give_back: bool,
}

/// The answer to ack, renew, reply and fail.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttemptAnswer {
    /// The task.
    pub task_id: TaskId,
    /// Its state now.
    pub status: TaskState,
    /// Until when the lease holds; absent once the task is over.
    pub lease_expires_at: Option<Timestamp>,
    /// True when this very answer was taken before.
    #[serde(default)]
    pub replayed: bool,
}
