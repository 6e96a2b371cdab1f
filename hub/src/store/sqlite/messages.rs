use anet_protocol::id::TaskId;
use anet_protocol::rest::{Message, MessageType};
use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _};

use super::filter::{push_page, push_scope};
use super::session::{Holder, Session, WritingSession};
use super::{PAGE_BYTES, decode};
use crate::store::{MessageFilter, MessageReads, MessageWrites, NewMessage, Page, StoreResult};

fn message(row: &SqliteRow) -> Result<Message, sqlx::Error> {
    let kind = decode::word(row, "kind", MessageType::parse)?;
    let task_id: Option<TaskId> = decode::optional_text(row, "task_id")?;
    Ok(Message {
        id: decode::text(row, "message_id")?,
        network_id: decode::text(row, "network_id")?,
        kind,
        from_alias: decode::text(row, "from_name")?,
        to_alias: decode::text(row, "to_name")?,
        content: row.try_get("content")?,
        in_reply_to: if kind == MessageType::Reply { task_id } else { None },
        created_at: decode::time(row, "created_at")?,
    })
}

#[async_trait]
impl<C: Holder> MessageReads for Session<C> {
    async fn messages(&mut self, filter: &MessageFilter) -> StoreResult<Page<Message>> {
        let mut query = QueryBuilder::new(
            "SELECT m.seq, m.message_id, m.network_id, m.kind, m.from_name, m.to_name, m.task_id, m.created_at,
                    COALESCE(m.content, CASE m.kind WHEN 'task' THEN t.content ELSE t.result END, '') AS content
             FROM messages m LEFT JOIN tasks t ON t.task_id = m.task_id",
        );
        push_scope(&mut query, "m.network_id", &filter.scope);
        query.push(" AND m.created_at >= ").push_bind(filter.since.as_millis());
        // The same bound by key, so that a quiet network's old messages are not walked through.
        query.push(" AND m.seq > COALESCE((SELECT seq FROM messages WHERE created_at < ");
        query.push_bind(filter.since.as_millis()).push(" ORDER BY created_at DESC, seq DESC LIMIT 1), 0)");
        if let Some(name) = &filter.name {
            query.push(" AND (m.from_name = ").push_bind(name.clone());
            query.push(" OR m.to_name = ").push_bind(name.clone()).push(")");
        }
        push_page(&mut query, "m.seq", filter.before, filter.limit);
        let mut rows = query.build().fetch(self.connection().await?);
        let mut page = Page { rows: Vec::new(), next: None };
        let (mut last, mut bytes) = (None, 0);
        while let Some(row) = rows.try_next().await? {
            if page.rows.len() >= filter.limit as usize || bytes > PAGE_BYTES {
                page.next = last;
                break;
            }
            last = Some(row.try_get("seq")?);
            let message = message(&row)?;
            bytes += message.content.len();
            page.rows.push(message);
        }
        Ok(page)
    }
}

#[async_trait]
impl MessageWrites for WritingSession {
    async fn insert_message(&mut self, message: &NewMessage<'_>) -> StoreResult<()> {
        self.query(
            "INSERT INTO messages (message_id, network_id, kind, from_name, to_name, content, task_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(message.message_id.as_str())
        .bind(message.network_id.as_str())
        .bind(message.kind.as_str())
        .bind(message.from_name)
        .bind(message.to_name)
        .bind(message.content)
        .bind(message.task_id.map(TaskId::as_str))
        .bind(message.created_at.as_millis())
        .put_off()
        .await
    }
}
