use anet_protocol::rest::{AuditVerified, VerifyAudit};

use super::hash;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::Reads;

/// How many rows are read at once.
const PAGE: u32 = 1000;

/// Whether every row of the audit log, archived ones included, is as it was written.
pub(crate) async fn verify(hub: &Hub, caller: &Caller, query: VerifyAudit) -> Result<AuditVerified, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_admin(&mut *reads).await?;
    let anchor = query.anchor.as_deref().map(parse).transpose()?;
    walk(&mut *reads, anchor).await
}

/// `ID:HASH`.
fn parse(anchor: &str) -> Result<(i64, String), HubError> {
    let refused = || Refusal::invalid("anchor", "ID:HASH, as `head` said");
    let (id, hash) = anchor.split_once(':').ok_or_else(refused)?;
    Ok((id.parse().map_err(|_| refused())?, hash.to_owned()))
}

/// Goes through the chain from its beginning.
pub(crate) async fn walk(reads: &mut dyn Reads, anchor: Option<(i64, String)>) -> Result<AuditVerified, HubError> {
    // The end first: what is written meanwhile lies behind it, and is not missed.
    let chain = reads.audit_chain().await?;
    let mut verified = AuditVerified { intact: true, rows: 0, head: None, problem: None };
    let (mut last_id, mut last_hash) = (chain.begins_after, String::new());
    let mut anchored = anchor.is_none();
    'pages: while last_id < chain.head_id {
        let rows = reads.audit_from(last_id, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.id != last_id + 1 {
                verified.problem = Some(format!("row {} is missing", last_id + 1));
                break 'pages;
            }
            if hash(&last_hash, &row) != row.hash {
                verified.problem = Some(format!("row {} is not as it was written", row.id));
                break 'pages;
            }
            if let Some((id, hash)) = &anchor
                && *id == row.id
            {
                anchored = *hash == row.hash;
            }
            verified.rows += 1;
            (last_id, last_hash) = (row.id, row.hash);
            if last_id == chain.head_id {
                break 'pages;
            }
        }
    }
    if verified.problem.is_none() && last_id < chain.head_id {
        verified.problem = Some(format!("row {} is missing", last_id + 1));
    }
    if verified.problem.is_none() && last_hash != chain.head_hash {
        verified.problem = Some(format!("row {last_id} is not the one that was written last"));
    }
    if verified.problem.is_none()
        && let Some(row) = reads.audit_from(chain.head_id, 1).await?.first()
        // A row that was written meanwhile has moved the end of the chain in the same transaction.
        && reads.audit_chain().await?.head_id < row.id
    {
        verified.problem = Some(format!("row {} was not written by the hub", row.id));
    }
    if verified.problem.is_none() && !anchored {
        verified.problem = Some("the log was written anew since the anchor was taken".to_owned());
    }
    if verified.problem.is_none() && !reads.audit_is_guarded().await? {
        verified.problem =
            Some("what keeps the log from being changed was taken away; a restart of the hub puts it back".to_owned());
    }
    verified.intact = verified.problem.is_none();
    verified.head = (last_id > chain.begins_after).then(|| format!("{last_id}:{last_hash}"));
    Ok(verified)
}
