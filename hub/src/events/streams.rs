//! The open streams: who listens now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anet_protocol::event::Event;
use anet_protocol::id::{InstanceId, NetworkId, TokenId};
use axum::body::Bytes;
use tokio::sync::mpsc;

use super::{Channel, StoredEvent};

/// One frame of a stream, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Of a stored event; others cannot be replayed.
    pub id: Option<i64>,
    pub text: Bytes,
}

impl Frame {
    /// `id:` and `data:` lines. JSON has no bare line break, so nothing can be smuggled into the framing.
    pub(crate) fn of(id: Option<i64>, event: &Event) -> Self {
        let json = serde_json::to_string(event).unwrap_or_else(|error| {
            tracing::error!(%error, "an event has no JSON");
            "{}".to_owned()
        });
        let text = match id {
            Some(id) => format!("id: {id}\ndata: {json}\n\n"),
            None => format!("data: {json}\n\n"),
        };
        Self { id, text: text.into() }
    }
}

/// An open stream.
struct Open {
    number: u64,
    token_id: TokenId,
    /// The run that listens; `None` for people.
    instance_id: Option<InstanceId>,
    queue: mpsc::Sender<Frame>,
}

/// The reading end of an open stream.
pub(crate) struct Subscription {
    pub number: u64,
    /// Ends when the hub closes the stream.
    pub queue: mpsc::Receiver<Frame>,
}

#[derive(Default)]
struct State {
    channels: HashMap<Channel, Vec<Open>>,
    last_number: u64,
    count: u64,
}

/// Every open stream of this hub.
#[derive(Default)]
pub(crate) struct Streams {
    state: Mutex<State>,
}

impl Streams {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to listen. At most `capacity` frames wait; a reader who falls behind further is cut off.
    pub(crate) fn open(
        &self,
        channel: &Channel,
        token_id: TokenId,
        instance_id: Option<InstanceId>,
        capacity: usize,
    ) -> Subscription {
        let (sender, queue) = mpsc::channel(capacity);
        let mut state = self.state();
        state.last_number += 1;
        state.count += 1;
        let number = state.last_number;
        let open = Open { number, token_id, instance_id, queue: sender };
        state.channels.entry(channel.clone()).or_default().push(open);
        Subscription { number, queue }
    }

    /// Forgets a stream whose reader is gone. It may be on another channel by now, after a rename.
    pub(crate) fn remove(&self, channel: &Channel, number: u64) {
        let mut state = self.state();
        let count = state.count;
        state.retain(channel, |open| open.number != number);
        if state.count == count {
            state.retain_everywhere(|_, open| open.number != number);
        }
    }

    /// How many streams are open.
    pub(crate) fn count(&self) -> u64 {
        self.state().count
    }

    /// How many streams each channel has, as `network:name`.
    pub(crate) fn by_channel(&self) -> BTreeMap<String, u64> {
        let state = self.state();
        let mut counts = BTreeMap::new();
        for (channel, open) in &state.channels {
            let key = format!("{}:{}", channel.network_id, channel.listener.name());
            *counts.entry(key).or_default() += open.len() as u64;
        }
        counts
    }

    /// Whether anybody listens to the channel.
    pub(crate) fn is_heard(&self, channel: &Channel) -> bool {
        self.state().channels.contains_key(channel)
    }

    /// Gives a stored event to all who listen; tells whether the node itself was among them.
    pub(crate) fn publish(&self, stored: &StoredEvent) -> bool {
        self.send(&stored.channel, &Frame::of(Some(stored.id), &stored.event))
    }

    /// Gives an event that is not stored to all who listen.
    pub(crate) fn tell(&self, channel: &Channel, event: &Event) {
        self.send(channel, &Frame::of(None, event));
    }

    fn send(&self, channel: &Channel, frame: &Frame) -> bool {
        let mut reached_node = false;
        self.state().retain(channel, |open| match open.queue.try_send(frame.clone()) {
            Ok(()) => {
                reached_node |= open.instance_id.is_some();
                true
            }
            // Too slow: the stream ends after what is queued, and the reader can replay the rest.
            Err(_) => false,
        });
        reached_node
    }

    /// Ends the streams of runs other than `by`, after telling them.
    pub(crate) fn supersede(&self, channel: &Channel, by: &InstanceId) {
        let farewell = Frame::of(None, &Event::NodeConnectionSuperseded { instance_id: by.clone() });
        self.state().retain(channel, |open| {
            let stays = open.instance_id.as_ref().is_none_or(|instance| instance == by);
            if !stays && open.queue.try_send(farewell.clone()).is_err() {
                tracing::debug!("a superseded stream was too slow for its farewell");
            }
            stays
        });
    }

    /// Ends every stream of a channel.
    pub(crate) fn close_channel(&self, channel: &Channel) {
        self.state().retain(channel, |_| false);
    }

    /// Ends every stream that a token opened.
    pub(crate) fn close_token(&self, token_id: &TokenId) {
        self.state().retain_everywhere(|_, open| open.token_id != *token_id);
    }

    /// Ends the streams that a token opened in one network.
    pub(crate) fn close_token_in(&self, token_id: &TokenId, network_id: &NetworkId) {
        let goes = |channel: &Channel, open: &Open| open.token_id == *token_id && channel.network_id == *network_id;
        self.state().retain_everywhere(|channel, open| !goes(channel, open));
    }

    /// Ends every stream in a network.
    pub(crate) fn close_network(&self, network_id: &NetworkId) {
        self.state().retain_everywhere(|channel, _| channel.network_id != *network_id);
    }

    /// Has the streams of one channel go on as another's.
    pub(crate) fn rekey(&self, from: &Channel, to: &Channel) {
        let mut state = self.state();
        if let Some(open) = state.channels.remove(from) {
            state.channels.entry(to.clone()).or_default().extend(open);
        }
    }

    /// With which tokens streams are open, and in which networks.
    pub(crate) fn tokens(&self) -> HashSet<(TokenId, NetworkId)> {
        let state = self.state();
        let of_channel = |(channel, open): (&Channel, &Vec<Open>)| {
            let network_id = channel.network_id.clone();
            open.iter().map(|open| (open.token_id.clone(), network_id.clone())).collect::<Vec<_>>()
        };
        state.channels.iter().flat_map(of_channel).collect()
    }
}

impl State {
    /// As [`State::retain`], of every channel.
    fn retain_everywhere(&mut self, stays: impl Fn(&Channel, &Open) -> bool) {
        let channels: Vec<Channel> = self.channels.keys().cloned().collect();
        for channel in channels {
            self.retain(&channel, |open| stays(&channel, open));
        }
    }

    /// Keeps the channel's streams for which `stays` holds; dropping the others' queues ends them.
    fn retain(&mut self, channel: &Channel, stays: impl FnMut(&mut Open) -> bool) {
        let Some(open) = self.channels.get_mut(channel) else { return };
        let before = open.len();
        open.retain_mut(stays);
        self.count -= (before - open.len()) as u64;
        if open.is_empty() {
            self.channels.remove(channel);
        }
    }
}
