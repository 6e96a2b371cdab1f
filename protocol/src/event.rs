//! What a hub tells its listeners: doorbells without content (commhub-http §2).

use serde::{Deserialize, Serialize};

use crate::id::{Alias, InstanceId, MessageId, NetworkId, NodeId, RenameId, TaskId};
use crate::rest::{NodeStatus, Priority};
use crate::task_state::TaskState;

/// One event of a channel. The JSON field `type` tells which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type")]
pub enum Event {
    /// The stream is open. Not stored, so it has no id.
    #[serde(rename = "connected")]
    Connected {
        /// The channel.
        session: Alias,
        /// Its network.
        network_id: NetworkId,
    },
    /// What `Last-Event-ID` asked for is gone: read the inbox instead. Not stored.
    #[serde(rename = "replay_gap")]
    ReplayGap {
        /// What was asked for.
        last_event_id: i64,
        /// The oldest event that can be replayed.
        oldest_event_id: i64,
    },
    /// A task is in the recipient's inbox.
    #[serde(rename = "new_task")]
    NewTask {
        /// The task.
        task_id: TaskId,
        /// Tasks waiting.
        inbox_count: u64,
        /// How urgent.
        priority: Priority,
        /// Who asks.
        from: String,
    },
    /// Words for the recipient.
    #[serde(rename = "new_message")]
    NewMessage {
        /// Who writes.
        from: String,
        /// The message.
        message_id: MessageId,
    },
    /// Words for every agent of the network.
    #[serde(rename = "broadcast")]
    Broadcast {
        /// Tasks waiting.
        inbox_count: u64,
        /// Who writes.
        from: String,
        /// The recipient's copy.
        message_id: MessageId,
    },
    /// A task the recipient asked for is over.
    #[serde(rename = "new_reply")]
    NewReply {
        /// Who answered.
        from: String,
        /// The reply.
        message_id: MessageId,
        /// The task.
        in_reply_to: TaskId,
        /// How it ended.
        status: TaskState,
    },
    /// A task the node holds was called off: stop working on it.
    #[serde(rename = "task_cancelled")]
    TaskCancelled {
        /// The task.
        task_id: TaskId,
        /// The try that is off.
        attempt: u32,
    },
    /// What a node says of itself has changed.
    #[serde(rename = "status_update")]
    StatusUpdate {
        /// The node.
        alias: Alias,
        /// What it says.
        status: NodeStatus,
    },
    /// The node was removed from the network.
    #[serde(rename = "node_deleted")]
    NodeDeleted {
        /// The node.
        node_id: NodeId,
        /// Its name.
        node_name: String,
        /// Its alias.
        alias: Alias,
        /// Its network.
        network_id: NetworkId,
    },
    /// A node of the network has another name.
    #[serde(rename = "node.renamed")]
    NodeRenamed {
        /// `node.renamed`, as upstream repeats it.
        event: String,
        /// The rename.
        txn_id: RenameId,
        /// The new name.
        alias: Alias,
        /// The network.
        network_id: NetworkId,
        /// The node.
        node_id: NodeId,
        /// Both names.
        data: RenamedNode,
    },
    /// Another run of this node has taken over; this stream ends.
    #[serde(rename = "node_connection_superseded")]
    NodeConnectionSuperseded {
        /// The run that holds the node now.
        instance_id: InstanceId,
    },
}

/// What a rename has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RenamedNode {
    /// The name of before.
    pub old_alias: Alias,
    /// The name of now.
    pub new_alias: Alias,
    /// The node.
    pub node_id: NodeId,
    /// `preserve`: what was sent and answered keeps the name it had then.
    pub history_policy: String,
}

/// The comment line that keeps a silent stream open, every 30 s.
pub const KEEPALIVE_SECONDS: u64 = 30;

/// A listener that has read nothing for this long must reconnect: three missed keepalives.
pub const READ_WATCHDOG_SECONDS: u64 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_flat_json_told_apart_by_type() {
        let event = Event::NewTask {
            task_id: TaskId::from("t"),
            inbox_count: 1,
            priority: Priority::Normal,
            from: "api".to_owned(),
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"type":"new_task","task_id":"t","inbox_count":1,"priority":"normal","from":"api"}"#
        );
    }
}
