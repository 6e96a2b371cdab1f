use anet_protocol::rest::{MessageList, MessageQuery};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::MessageFilter;
use crate::tasks::list::{cursor_key, page_end};

/// Messages of the networks in reach since a time, newest first.
pub(crate) async fn list(hub: &Hub, caller: &Caller, query: MessageQuery) -> Result<MessageList, HubError> {
    let mut reads = hub.read().await?;
    let scope = caller.scope(&mut *reads, query.network_id.as_ref()).await?;
    let page = reads
        .messages(&MessageFilter {
            scope,
            since: query.since.unwrap_or_else(|| hub.now().plus_seconds(-3600)),
            name: query.alias,
            before: cursor_key(query.cursor.as_deref())?,
            limit: query.limit.unwrap_or(100).clamp(1, 500),
        })
        .await?;
    Ok(MessageList { messages: page.rows, page: page_end(page.next) })
}
