use anet_protocol::event::Event;
use anet_protocol::id::NetworkId;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;
use crate::events::{Channel, StoredEvent};

/// Between which ids a network's events can be replayed.
pub(crate) struct EventBounds {
    /// The highest id that is gone; 0 when none is.
    pub pruned_through: i64,
    /// The highest id ever given on this hub; 0 before the first.
    pub newest: i64,
}

/// Questions about events.
#[async_trait]
pub(crate) trait EventReads: Send {
    /// Events of a channel with ids above `after`, oldest first.
    async fn events_after(&mut self, channel: &Channel, after: i64, limit: u32) -> StoreResult<Vec<StoredEvent>>;
    async fn event_bounds(&mut self, network_id: &NetworkId) -> StoreResult<EventBounds>;
    /// Networks that have events older than `before`, or more than `count` of them.
    async fn networks_with_old_events(&mut self, before: Timestamp, count: i64) -> StoreResult<Vec<NetworkId>>;
}

/// Changes of events.
#[async_trait]
pub(crate) trait EventWrites: Send {
    /// Stores an event and has it published after the commit; gives its id.
    async fn append_event(&mut self, channel: &Channel, event: &Event, created_at: Timestamp) -> StoreResult<i64>;
    /// Forgets up to `limit` of a network's events that are older than `before` or beyond the `count` newest.
    async fn prune_events(
        &mut self,
        network_id: &NetworkId,
        before: Timestamp,
        count: i64,
        limit: u32,
    ) -> StoreResult<u64>;
}
