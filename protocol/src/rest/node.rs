use serde::{Deserialize, Serialize};

use super::StateCount;
use crate::id::{Alias, InstanceId, NetworkId, NodeId};
use crate::time::Timestamp;

/// What a node says of itself, in upstream's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Ready for a task.
    Idle,
    /// At work on at least one task.
    Working,
    /// Waits for something outside.
    Blocked,
    /// Something is wrong.
    Error,
    /// A runtime waits for an answer.
    WaitingInput,
    /// Said goodbye, or has been silent for too long.
    Offline,
}

impl NodeStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Blocked => "blocked",
            Self::Error => "error",
            Self::WaitingInput => "waiting_input",
            Self::Offline => "offline",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Idle, Self::Working, Self::Blocked, Self::Error, Self::WaitingInput, Self::Offline]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A node as the hub knows it. Each fact stands beside the time it was observed.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Node {
    /// The durable identity.
    pub node_id: NodeId,
    /// The name it was created with.
    pub node_name: String,
    /// The name others send to.
    pub alias: Alias,
    /// Its network.
    pub network_id: NetworkId,
    /// The runtime that does its tasks.
    pub runtime: Option<String>,
    /// The model it uses.
    pub model: Option<String>,
    /// The machine it runs on.
    pub hostname: Option<String>,
    /// Its project directory there.
    pub project_dir: Option<String>,
    /// Its program's version.
    pub version: Option<String>,
    /// What it last said of itself; `offline` when it has been silent for ten minutes or said goodbye.
    pub status: NodeStatus,
    /// Whether an event stream of it is open now.
    pub connected: bool,
    /// The run that holds the node, if any.
    pub instance_id: Option<InstanceId>,
    /// Its process id there.
    pub pid: Option<u32>,
    /// Tasks in its inbox that nobody has claimed.
    pub inbox_count: u64,
    /// When the hub last heard of it.
    pub last_seen_at: Option<Timestamp>,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

/// The query of `GET /api/nodes` and `GET /api/status`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    /// One node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The node of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Alias>,
    /// In this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NodeStatus>,
    /// In this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
}

/// `GET /api/nodes`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeList {
    /// Newest update first.
    pub nodes: Vec<Node>,
    /// How many.
    pub count: usize,
}

/// `GET /api/status`: who is there and what is going on.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusAnswer {
    /// Every node in reach; upstream's word for them is sessions.
    pub sessions: Vec<Node>,
    /// How many of them are in which condition.
    pub summary: StatusSummary,
    /// How many tasks are in each state.
    pub tasks: Vec<StateCount>,
}

/// Nodes by condition.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusSummary {
    /// Ready.
    pub idle: u64,
    /// Working, blocked, in error or waiting for input.
    pub working: u64,
    /// Away.
    pub offline: u64,
    /// All.
    pub total: u64,
}

/// `DELETE /api/nodes/:ref`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeDeleted {
    /// Always true.
    pub deleted: bool,
    /// The node.
    pub node_id: NodeId,
    /// Its name.
    pub node_name: String,
    /// Its alias.
    pub alias: Alias,
    /// Its network.
    pub network_id: NetworkId,
    /// How many of its tokens were revoked.
    pub tokens_revoked: u64,
}

/// What a query about a network or all in reach is limited to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InNetwork {
    /// Only this network.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub network_id: Option<NetworkId>,
}

/// `GET /api/stats`: a few numbers.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stats {
    /// The network that was asked for.
    pub network_id: Option<NetworkId>,
    /// Of tasks.
    pub tasks: TaskStats,
    /// Of agents, by what they say of themselves.
    pub sessions: SessionStats,
    /// Of agents.
    pub nodes: NodeStats,
    /// The five newest tasks.
    pub recent_tasks: Vec<RecentTask>,
}

/// How many tasks there are.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskStats {
    /// All of them.
    pub total: u64,
    /// By state.
    pub by_status: Vec<StateCount>,
}

/// How many agents say what of themselves.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionStats {
    /// By what they say.
    pub by_status: Vec<NodeStatusCount>,
}

/// How many agents say one thing of themselves.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeStatusCount {
    /// What they say.
    pub status: NodeStatus,
    /// How many.
    pub count: u64,
}

/// How many agents are known.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeStats {
    /// All of them.
    pub total: u64,
}

/// A task in a line.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecentTask {
    /// The task.
    pub task_id: crate::id::TaskId,
    /// Who asked.
    pub from_name: String,
    /// Who was asked.
    pub to_name: Alias,
    /// How it stands.
    pub status: crate::task_state::TaskState,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// `GET /api/stats/sse`: who listens, for the hub's administrators.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StreamStats {
    /// Open streams.
    pub total: u64,
    /// Open streams of each channel, as `network:name`.
    #[schema(value_type = Object)]
    pub sessions: std::collections::BTreeMap<String, u64>,
}
