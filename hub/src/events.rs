//! What listeners are told, and how it reaches them: stored with the change, published after its commit.

pub(crate) mod presence;
pub(crate) mod recheck;
pub(crate) mod stream;
pub(crate) mod streams;

use anet_protocol::event::Event;
use anet_protocol::id::{Alias, InstanceId, NetworkId, TaskId, TokenId};

/// Whose doorbell it is. An agent and a person of one name have two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Listener {
    /// The agent of this alias.
    Node(Alias),
    /// The person of this user name.
    User(String),
}

impl Listener {
    /// The name in the database.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Node(alias) => format!("node:{alias}"),
            Self::User(username) => format!("user:{username}"),
        }
    }

    /// Reads the name in the database.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        match key.split_once(':')? {
            ("node", alias) => Some(Self::Node(alias.into())),
            ("user", username) => Some(Self::User(username.to_owned())),
            _ => None,
        }
    }

    /// The bare name, as the URL has it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Node(alias) => alias.as_str(),
            Self::User(username) => username,
        }
    }
}

/// A listener in its network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Channel {
    pub network_id: NetworkId,
    pub listener: Listener,
}

impl Channel {
    pub(crate) fn node(network_id: &NetworkId, alias: &Alias) -> Self {
        Self { network_id: network_id.clone(), listener: Listener::Node(alias.clone()) }
    }

    pub(crate) fn user(network_id: &NetworkId, username: &str) -> Self {
        Self { network_id: network_id.clone(), listener: Listener::User(username.to_owned()) }
    }
}

/// An event that can be replayed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredEvent {
    pub id: i64,
    pub channel: Channel,
    pub event: Event,
}

/// What follows from a commit.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Tell the channel's open streams.
    Publish(StoredEvent),
    /// Wake those who wait for the end of a task.
    TaskEnded(TaskId),
    /// End the streams of every other run of the node.
    Supersede { channel: Channel, by: InstanceId },
    /// End every stream of a channel that is no more.
    CloseChannel(Channel),
    /// End every stream that was opened with a token that is no more.
    CloseToken(TokenId),
    /// End every stream of a network that is no more.
    CloseNetwork(NetworkId),
    /// The node of a channel has another name; its streams go along.
    Rekey { from: Channel, to: Channel },
}
