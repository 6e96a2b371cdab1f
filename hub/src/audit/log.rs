use anet_protocol::rest::{AuditList, AuditQuery, AuditRow, ErrorCode, PageEnd};
use anet_protocol::role::Operation;

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::networks::find::network_for;
use crate::store::AuditFilter;

/// The most rows of a page.
const PAGE: u32 = 200;

/// The most rows of an export.
const EXPORT: u32 = 10_000;

/// A page of the audit log: all of it for the hub's administrators, a network's lines for its owner and admins, and for
/// everybody the own ones.
pub(crate) async fn list(hub: &Hub, caller: &Caller, query: AuditQuery) -> Result<AuditList, HubError> {
    page(hub, caller, query, 50, PAGE).await
}

/// Many rows at once.
pub(crate) async fn export(hub: &Hub, caller: &Caller, query: AuditQuery) -> Result<Vec<AuditRow>, HubError> {
    Ok(page(hub, caller, query, EXPORT, EXPORT).await?.logs)
}

async fn page(hub: &Hub, caller: &Caller, query: AuditQuery, default: u32, most: u32) -> Result<AuditList, HubError> {
    let limit = query.limit.unwrap_or(default);
    if !(1..=most).contains(&limit) {
        return Err(Refusal::invalid("limit", format!("1 to {most}")).into());
    }
    if query.after.is_some() && query.cursor.is_some() {
        return Err(Refusal::invalid("after", "not together with cursor").into());
    }
    let before = query.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| Refusal::invalid("cursor", "what `next_cursor` said"))?;
    let mut filter = AuditFilter {
        user_id: query.user_id,
        username: query.username,
        action: query.action,
        network_id: None,
        since: query.since,
        until: query.until,
        before,
        after: query.after,
    };
    let mut reads = hub.read().await?;
    if let Some(network_id) = &query.network_id {
        network_for(&mut *reads, caller, network_id, Operation::ReadNetworkAudit).await?;
        filter.network_id.clone_from(&query.network_id);
    } else if !caller.reads_everything(Operation::Administer) {
        caller.authorize_account(&mut *reads, Operation::ReadOwnAudit).await?;
        let own = &caller.user.user_id;
        if filter.user_id.as_ref().is_some_and(|asked| asked != own) {
            return Err(Refusal::new(ErrorCode::AdminRequired, "admin required")
                .message("without a network you read your own lines")
                .hint("name a network that you own or administrate")
                .into());
        }
        filter.user_id = Some(own.clone());
    }
    let page = reads.audit(&filter, limit).await?;
    Ok(AuditList {
        count: page.rows.len(),
        page: PageEnd { next_cursor: page.next.map(|id| id.to_string()) },
        logs: page.rows,
    })
}
