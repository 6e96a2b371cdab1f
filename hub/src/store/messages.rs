use anet_protocol::id::{MessageId, NetworkId, TaskId};
use anet_protocol::rest::{Message, MessageType};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::{Page, Scope, StoreResult};

/// A message to be stored.
pub(crate) struct NewMessage<'a> {
    pub message_id: &'a MessageId,
    pub network_id: &'a NetworkId,
    pub kind: MessageType,
    pub from_name: &'a str,
    pub to_name: &'a str,
    /// `None` where the text stands in the task.
    pub content: Option<&'a str>,
    pub task_id: Option<&'a TaskId>,
    pub created_at: Timestamp,
}

/// Which messages; all conditions must hold.
pub(crate) struct MessageFilter {
    pub scope: Scope,
    pub since: Timestamp,
    /// From or to this name.
    pub name: Option<String>,
    /// Only messages with a lower key.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Questions about messages.
#[async_trait]
pub(crate) trait MessageReads: Send {
    /// Newest first.
    async fn messages(&mut self, filter: &MessageFilter) -> StoreResult<Page<Message>>;
}

/// Changes of messages.
#[async_trait]
pub(crate) trait MessageWrites: Send {
    async fn insert_message(&mut self, message: &NewMessage<'_>) -> StoreResult<()>;
}
