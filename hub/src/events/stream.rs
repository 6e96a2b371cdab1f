use std::time::Duration;

use anet_protocol::event::{Event, KEEPALIVE_SECONDS};
use anet_protocol::id::{Alias, InstanceId, NetworkId, NodeId};
use anet_protocol::rest::ErrorCode;
use anet_protocol::role::{CredentialKind, Operation};
use axum::body::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, interval_at};

use super::streams::{Frame, Subscription};
use super::{Channel, Listener, StoredEvent};
use crate::caller::{Caller, invalid_token};
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::Reads;
use crate::work::attempt::check_instance;

/// How many events are read at once for a replay.
const REPLAY_PAGE: u32 = 200;

/// What somebody wants to listen to.
#[derive(Clone, Debug)]
pub(crate) struct Listening {
    /// An alias or the own user name.
    pub name: String,
    pub network_id: Option<NetworkId>,
    /// The run, where a node listens to itself.
    pub instance_id: Option<InstanceId>,
    /// The last event that was seen.
    pub last_event_id: Option<i64>,
}

/// Opens a stream of frames: what happened since the last event that was seen, then what happens.
pub(crate) async fn open(
    hub: &Hub,
    caller: &Caller,
    listening: Listening,
) -> Result<impl Stream<Item = Bytes> + Send + use<>, HubError> {
    if listening.last_event_id.is_some_and(|id| id < 0) {
        return Err(Refusal::invalid("last_event_id", "not negative").into());
    }
    let mut reads = hub.read().await?;
    let channel = channel(&mut *reads, caller, &listening).await?;
    drop(reads);
    let run = match (&caller.node, listening.instance_id) {
        (Some(node), Some(instance_id)) => Some((node.node_id.clone(), instance_id)),
        _ => None,
    };
    let mut open = Open::new(hub, caller, channel, run);
    // Looked at only now that the stream is known to the hub: a token revoked or a node taken over from here on
    // closes it.
    open.check(caller).await?;
    let bounds = hub.read().await?.event_bounds(&open.channel.network_id).await?;
    let mut first = vec![Frame::of(
        None,
        &Event::Connected {
            session: Alias::from(open.channel.listener.name()),
            network_id: open.channel.network_id.clone(),
        },
    )];
    let mut seen = listening.last_event_id;
    if let Some(last_event_id) = seen.filter(|id| *id < bounds.pruned_through || *id > bounds.newest) {
        // Too old, or of another database: what lies between is unknown, so the listener must look for itself.
        let oldest_event_id = bounds.pruned_through + 1;
        first.push(Frame::of(None, &Event::ReplayGap { last_event_id, oldest_event_id }));
        seen = Some(last_event_id.max(bounds.pruned_through).min(bounds.newest));
    }
    Ok(frames(open, first, seen))
}

fn frames(mut open: Open, first: Vec<Frame>, mut seen: Option<i64>) -> impl Stream<Item = Bytes> + Send + use<> {
    async_stream::stream! {
        for frame in first {
            yield frame.text;
        }
        // The subscription is older than this replay, so nothing falls between the two; what is in both has an id
        // that was seen already.
        while let Some(after) = seen {
            match open.replay(after).await {
                Ok(events) if events.is_empty() => break,
                Ok(events) => for stored in events {
                    yield Frame::of(Some(stored.id), &stored.event).text;
                    seen = Some(stored.id);
                },
                Err(error) => {
                    // The listener reconnects and asks again from where it was.
                    tracing::warn!(%error, "a replay was cut short");
                    return;
                }
            }
        }
        let period = Duration::from_secs(KEEPALIVE_SECONDS);
        let mut keepalive = interval_at(Instant::now() + period, period);
        let stopping = open.hub.stopping().clone();
        loop {
            tokio::select! {
                frame = open.subscription.queue.recv() => match frame {
                    Some(frame) if frame.id.is_none_or(|id| seen.is_none_or(|seen| id > seen)) => yield frame.text,
                    Some(_) => {}
                    None => return,
                },
                _ = keepalive.tick() => yield Bytes::from_static(b": keepalive\n\n"),
                () = stopping.cancelled() => return,
            }
        }
    }
}

/// An open stream, forgotten by the hub as soon as it is dropped: on the reader's leave as well.
struct Open {
    hub: Hub,
    channel: Channel,
    subscription: Subscription,
    /// The run that listens to itself.
    run: Option<(NodeId, InstanceId)>,
    /// Whether presence knows of it.
    is_present: bool,
}

impl Open {
    fn new(hub: &Hub, caller: &Caller, channel: Channel, run: Option<(NodeId, InstanceId)>) -> Self {
        let subscription = hub.live().streams.open(
            &channel,
            caller.token_id.clone(),
            run.as_ref().map(|(_, instance_id)| instance_id.clone()),
            hub.settings().stream_queue,
        );
        Self { hub: hub.clone(), channel, subscription, run, is_present: false }
    }

    async fn check(&mut self, caller: &Caller) -> Result<(), HubError> {
        let mut reads = self.hub.read().await?;
        caller.authorize(&mut *reads, &self.channel.network_id, Operation::Listen).await?;
        if let Some((node_id, instance_id)) = &self.run {
            let node = reads.node(node_id).await?.ok_or_else(invalid_token)?.node;
            check_instance(&node, instance_id)?;
            self.hub.live().presence.stream_opened(node_id, instance_id, self.hub.now());
            self.is_present = true;
        }
        Ok(())
    }

    async fn replay(&self, after: i64) -> Result<Vec<StoredEvent>, HubError> {
        Ok(self.hub.read().await?.events_after(&self.channel, after, REPLAY_PAGE).await?)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let live = self.hub.live();
        live.streams.remove(&self.channel, self.subscription.number);
        if let Some((node_id, instance_id)) = self.run.as_ref().filter(|_| self.is_present) {
            live.presence.stream_closed(node_id, instance_id, self.hub.now());
        }
    }
}

fn not_allowed() -> HubError {
    Refusal::new(
        ErrorCode::AccessDenied,
        "channel not allowed: must be your username or an existing agent in your network",
    )
    .into()
}

/// Which channel the name means for this caller, if it may listen there.
async fn channel(reads: &mut dyn Reads, caller: &Caller, listening: &Listening) -> Result<Channel, HubError> {
    let alias = Alias::from(listening.name.as_str());
    if caller.credential == CredentialKind::Node {
        let (network_id, node) = caller.working_node(reads).await?;
        if node.alias != alias {
            return Err(not_allowed());
        }
        if listening.instance_id.is_none() {
            return Err(Refusal::invalid("instance_id", "a node says which run of it listens").into());
        }
        return Ok(Channel { network_id, listener: Listener::Node(node.alias) });
    }
    let network_id = match caller.network_for(reads, listening.network_id.as_ref(), Operation::Listen).await {
        Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::NetworkIdRequired => {
            return Err(Refusal::new(
                ErrorCode::NetworkIdRequired,
                "network_id required (utok has no implicit network; pass ?network_id=<id>)",
            )
            .into());
        }
        network_id => network_id?,
    };
    if listening.name == caller.user.username {
        return Ok(Channel::user(&network_id, &listening.name));
    }
    match reads.node_by_alias(&network_id, &alias).await? {
        Some(stored) => Ok(Channel::node(&network_id, &stored.node.alias)),
        None => Err(not_allowed()),
    }
}
