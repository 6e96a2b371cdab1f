use anet_protocol::event::Event;
use anet_protocol::id::NetworkId;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::session::{Holder, Session, WritingSession};
use crate::events::{Channel, Effect, StoredEvent};
use crate::store::{EventBounds, EventReads, EventWrites, StoreResult};

#[async_trait]
impl<C: Holder> EventReads for Session<C> {
    async fn events_after(&mut self, channel: &Channel, after: i64, limit: u32) -> StoreResult<Vec<StoredEvent>> {
        let rows = self
            .query("SELECT id, payload FROM events WHERE network_id = $1 AND channel = $2 AND id > $3 ORDER BY id LIMIT $4")
            .bind(channel.network_id.as_str())
            .bind(channel.listener.key())
            .bind(after)
            .bind(limit)
            .fetch_all()
            .await?;
        let read = |row: &SqliteRow| -> Result<StoredEvent, sqlx::Error> {
            let event: Event = decode::json(row, "payload")?;
            Ok(StoredEvent { id: row.try_get("id")?, channel: channel.clone(), event })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn event_bounds(&mut self, network_id: &NetworkId) -> StoreResult<EventBounds> {
        let row = self.query(
            "SELECT COALESCE((SELECT pruned_through FROM event_floors WHERE network_id = $1), 0) AS pruned_through,
                    COALESCE((SELECT MAX(id) FROM events), (SELECT MAX(pruned_through) FROM event_floors), 0) AS newest",
        )
        .bind(network_id.as_str())
        .fetch_one()
        .await?;
        Ok(EventBounds { pruned_through: row.try_get("pruned_through")?, newest: row.try_get("newest")? })
    }

    async fn networks_with_old_events(&mut self, before: Timestamp, count: i64) -> StoreResult<Vec<NetworkId>> {
        let rows = self
            .query("SELECT network_id FROM events GROUP BY network_id HAVING MIN(created_at) < $1 OR COUNT(*) > $2")
            .bind(before.as_millis())
            .bind(count)
            .fetch_all()
            .await?;
        Ok(rows.iter().map(|row| decode::text(row, "network_id")).collect::<Result<_, _>>()?)
    }
}

#[async_trait]
impl EventWrites for WritingSession {
    async fn append_event(&mut self, channel: &Channel, event: &Event, created_at: Timestamp) -> StoreResult<i64> {
        let payload = decode::to_json(event)?;
        let row = self
            .query("INSERT INTO events (network_id, channel, payload, created_at) VALUES ($1, $2, $3, $4) RETURNING id")
            .bind(channel.network_id.as_str())
            .bind(channel.listener.key())
            .bind(payload)
            .bind(created_at.as_millis())
            .fetch_one()
            .await?;
        let id = row.try_get("id")?;
        self.effects.push(Effect::Publish(StoredEvent { id, channel: channel.clone(), event: event.clone() }));
        Ok(id)
    }

    async fn prune_events(
        &mut self,
        network_id: &NetworkId,
        before: Timestamp,
        count: i64,
        limit: u32,
    ) -> StoreResult<u64> {
        let rows = self
            .query(
                "DELETE FROM events WHERE id IN (
                SELECT id FROM events
                WHERE network_id = $1 AND (created_at < $2 OR id <= COALESCE(
                    (SELECT id FROM events WHERE network_id = $3 ORDER BY id DESC LIMIT 1 OFFSET $4), 0))
                ORDER BY id LIMIT $5)
             RETURNING id",
            )
            .bind(network_id.as_str())
            .bind(before.as_millis())
            .bind(network_id.as_str())
            .bind(count)
            .bind(limit)
            .fetch_all()
            .await?;
        let ids = rows.iter().map(|row| row.try_get::<i64, _>("id")).collect::<Result<Vec<_>, _>>()?;
        let Some(highest) = ids.iter().max() else { return Ok(0) };
        self.query(
            "INSERT INTO event_floors (network_id, pruned_through) VALUES ($1, $2)
             ON CONFLICT (network_id) DO UPDATE SET pruned_through = excluded.pruned_through",
        )
        .bind(network_id.as_str())
        .bind(highest)
        .put_off()
        .await?;
        Ok(ids.len() as u64)
    }
}
