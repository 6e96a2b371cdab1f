use serde::{Deserialize, Serialize};

use super::PageEnd;
use crate::id::{MessageId, NetworkId, TaskId};
use crate::time::Timestamp;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// Carries a task.
    Task,
    /// Answers a task.
    Reply,
    /// Plain words; never starts a runtime.
    Message,
    /// Plain words to every agent of a network.
    Broadcast,
}

impl MessageType {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Reply => "reply",
            Self::Message => "message",
            Self::Broadcast => "broadcast",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Task, Self::Reply, Self::Message, Self::Broadcast].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One message between two names of a network.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// The id; for a task, the task's id.
    pub id: MessageId,
    /// Its network.
    pub network_id: NetworkId,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// From whom.
    pub from_alias: String,
    /// To whom.
    pub to_alias: String,
    /// The text.
    pub content: String,
    /// The task it answers.
    pub in_reply_to: Option<TaskId>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// `POST /api/message`: plain words to an alias.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// To whom.
    pub alias: crate::id::Alias,
    /// The words.
    #[schema(min_length = 1, max_length = 10_000)]
    pub message: String,
    /// In which network; needed when the caller is in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
}

/// `POST /api/broadcast`: plain words to every agent of a network.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Broadcast {
    /// The words, up to 10,000 characters.
    pub message: String,
    /// Only to agents on this machine.
    #[serde(default)]
    pub filter_server: Option<String>,
    /// Only to agents that say this of themselves.
    #[serde(default)]
    pub filter_status: Option<super::NodeStatus>,
}

/// The answer: as many messages as are on disk.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BroadcastSent {
    /// How many agents it is for.
    pub recipients: u64,
    /// One message for each.
    pub message_ids: Vec<MessageId>,
}

/// The answer: the message is on disk.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageSent {
    /// The message.
    pub message_id: MessageId,
    /// Always true: the message is stored.
    pub queued: bool,
    /// Whether the recipient listens right now.
    pub online: bool,
}

/// The query of `GET /api/messages`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// Not before this time; an hour ago when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// From or to this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// In this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
    /// At most this many, 1 to 500, 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where a page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(pattern = "^-?[0-9]+$")]
    pub cursor: Option<String>,
}

/// `GET /api/messages`: newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageList {
    /// The messages of this page.
    pub messages: Vec<Message>,
    /// The next page.
    #[serde(flatten)]
    pub page: PageEnd,
}
