use anet_protocol::id::{Alias, InstanceId, NetworkId, NodeId};
use anet_protocol::rest::{Node, NodeStatus};
use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _};

use super::decode;
use super::filter::{push_equal, push_scope};
use super::session::{Holder, Session, WritingSession};
use crate::store::{NodeFilter, NodeReads, NodeWrites, PresenceRow, StoreResult, StoredNode};

fn node(row: &SqliteRow) -> Result<StoredNode, sqlx::Error> {
    Ok(StoredNode {
        node: Node {
            node_id: decode::text(row, "node_id")?,
            node_name: decode::text(row, "node_name")?,
            alias: decode::text(row, "alias")?,
            network_id: decode::text(row, "network_id")?,
            runtime: row.try_get("runtime")?,
            model: row.try_get("model")?,
            hostname: row.try_get("hostname")?,
            project_dir: row.try_get("project_dir")?,
            version: row.try_get("version")?,
            status: decode::word(row, "status", NodeStatus::parse)?,
            connected: false,
            instance_id: decode::optional_text(row, "instance_id")?,
            pid: decode::optional_number(row, "pid")?,
            inbox_count: decode::number(row, "inbox_count")?,
            last_seen_at: decode::optional_time(row, "last_seen_at")?,
            created_at: decode::time(row, "created_at")?,
            updated_at: decode::time(row, "updated_at")?,
        },
        owner_id: decode::text(row, "owner_id")?,
    })
}

#[async_trait]
impl<C: Holder> NodeReads for Session<C> {
    async fn node(&mut self, node_id: &NodeId) -> StoreResult<Option<StoredNode>> {
        let row = self.query("SELECT * FROM nodes WHERE node_id = $1").bind(node_id.as_str()).fetch_optional().await?;
        Ok(row.as_ref().map(node).transpose()?)
    }

    async fn node_by_alias(&mut self, network_id: &NetworkId, alias: &Alias) -> StoreResult<Option<StoredNode>> {
        let row = self
            .query("SELECT * FROM nodes WHERE network_id = $1 AND alias = $2")
            .bind(network_id.as_str())
            .bind(alias.as_str())
            .fetch_optional()
            .await?;
        Ok(row.as_ref().map(node).transpose()?)
    }

    async fn nodes(&mut self, filter: &NodeFilter) -> StoreResult<Vec<StoredNode>> {
        let mut query = QueryBuilder::new("SELECT * FROM nodes");
        push_scope(&mut query, "network_id", &filter.scope);
        push_equal(&mut query, "node_id", filter.node_id.as_ref().map(NodeId::as_str));
        push_equal(&mut query, "alias", filter.alias.as_ref().map(Alias::as_str));
        query.push(" ORDER BY updated_at DESC, node_id");
        let rows = query.build().fetch_all(self.connection().await?).await?;
        Ok(rows.iter().map(node).collect::<Result<_, _>>()?)
    }

    async fn aliases(&mut self, network_id: &NetworkId) -> StoreResult<Vec<String>> {
        let rows = self
            .query("SELECT alias FROM nodes WHERE network_id = $1 ORDER BY updated_at DESC LIMIT 1000")
            .bind(network_id.as_str())
            .fetch_all()
            .await?;
        Ok(rows.iter().map(|row| row.try_get("alias")).collect::<Result<_, _>>()?)
    }
}

#[async_trait]
impl NodeWrites for WritingSession {
    async fn insert_node(&mut self, stored: &StoredNode) -> StoreResult<()> {
        let node = &stored.node;
        self.query(
            "INSERT INTO nodes (node_id, network_id, alias, node_name, owner_id, status, inbox_count,
                                created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
        )
        .bind(node.node_id.as_str())
        .bind(node.network_id.as_str())
        .bind(node.alias.as_str())
        .bind(&node.node_name)
        .bind(stored.owner_id.as_str())
        .bind(node.status.as_str())
        .bind(node.created_at.as_millis())
        .bind(node.updated_at.as_millis())
        .put_off()
        .await
    }

    async fn update_node(&mut self, node: &Node) -> StoreResult<()> {
        self.query(
            "UPDATE nodes SET runtime = $1, model = $2, hostname = $3, project_dir = $4, version = $5, pid = $6,
                              instance_id = $7, status = $8, last_seen_at = $9, updated_at = $10
             WHERE node_id = $11",
        )
        .bind(&node.runtime)
        .bind(&node.model)
        .bind(&node.hostname)
        .bind(&node.project_dir)
        .bind(&node.version)
        .bind(node.pid)
        .bind(node.instance_id.as_ref().map(InstanceId::as_str))
        .bind(node.status.as_str())
        .bind(node.last_seen_at.map(anet_protocol::time::Timestamp::as_millis))
        .bind(node.updated_at.as_millis())
        .bind(node.node_id.as_str())
        .put_off()
        .await
    }

    async fn touch_node(&mut self, presence: &PresenceRow) -> StoreResult<()> {
        self.query(
            "UPDATE nodes SET status = COALESCE($1, status), last_seen_at = $2
             WHERE node_id = $3 AND instance_id = $4",
        )
        .bind(presence.status.map(NodeStatus::as_str))
        .bind(presence.last_seen_at.as_millis())
        .bind(presence.node_id.as_str())
        .bind(presence.instance_id.as_str())
        .put_off()
        .await
    }

    async fn delete_node(&mut self, node_id: &NodeId) -> StoreResult<()> {
        self.query("DELETE FROM nodes WHERE node_id = $1").bind(node_id.as_str()).put_off().await
    }
}
