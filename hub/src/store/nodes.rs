use anet_protocol::id::{Alias, InstanceId, NetworkId, NodeId, UserId};
use anet_protocol::rest::{Node, NodeStatus};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::{Scope, StoreResult};

/// A node's row. `node.status` and `node.last_seen_at` are as last flushed, `node.connected` is false:
/// presence knows better.
#[derive(Clone, Debug)]
pub(crate) struct StoredNode {
    pub node: Node,
    /// Who made it known.
    pub owner_id: UserId,
}

/// Which nodes; all conditions must hold.
pub(crate) struct NodeFilter {
    pub scope: Scope,
    pub node_id: Option<NodeId>,
    pub alias: Option<Alias>,
}

/// What presence knows about a run of a node, to be written down.
#[derive(Clone, Debug)]
pub(crate) struct PresenceRow {
    pub node_id: NodeId,
    pub instance_id: InstanceId,
    pub status: Option<NodeStatus>,
    pub last_seen_at: Timestamp,
}

/// Questions about nodes.
#[async_trait]
pub(crate) trait NodeReads: Send {
    async fn node(&mut self, node_id: &NodeId) -> StoreResult<Option<StoredNode>>;
    async fn node_by_alias(&mut self, network_id: &NetworkId, alias: &Alias) -> StoreResult<Option<StoredNode>>;
    /// Newest update first.
    async fn nodes(&mut self, filter: &NodeFilter) -> StoreResult<Vec<StoredNode>>;
    /// Up to a thousand names of a network, newest update first.
    async fn aliases(&mut self, network_id: &NetworkId) -> StoreResult<Vec<String>>;
}

/// Changes of nodes.
#[async_trait]
pub(crate) trait NodeWrites: Send {
    async fn insert_node(&mut self, node: &StoredNode) -> StoreResult<()>;
    /// Writes what a run says of itself at registration; `inbox_count` and `created_at` stay.
    async fn update_node(&mut self, node: &Node) -> StoreResult<()>;
    /// Writes presence down, unless another run holds the node by now.
    async fn touch_node(&mut self, presence: &PresenceRow) -> StoreResult<()>;
    async fn delete_node(&mut self, node_id: &NodeId) -> StoreResult<()>;
}
