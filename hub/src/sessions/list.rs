use anet_protocol::rest::{Session, SessionList};
use anet_protocol::role::{CredentialKind, Operation};
use anet_protocol::time::Timestamp;

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::TokenRow;

/// The caller's logins, newest first.
pub(crate) async fn list(hub: &Hub, caller: &Caller) -> Result<SessionList, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_account(&mut *reads, Operation::ManageCredentials).await?;
    let now = hub.now();
    let rows = reads.tokens_of_user(&caller.user.user_id).await?;
    let rows = rows.into_iter().map(|row| hub.live().uses.complete(row));
    let sessions = rows.filter(|row| is_login(row) && works(hub, row, now));
    Ok(SessionList {
        idle_timeout_days: hub.settings().login_idle.as_secs().div_ceil(24 * 3600),
        current_token_id: caller.token_id.clone(),
        sessions: sessions.map(|row| session(row, caller, now)).collect(),
    })
}

pub(crate) fn is_login(row: &TokenRow) -> bool {
    row.kind == CredentialKind::User
}

/// Whether it still works or can be renewed.
fn works(hub: &Hub, row: &TokenRow, now: Timestamp) -> bool {
    if let Some(until) = row.refreshable_until {
        return until > now;
    }
    let idle = hub.settings().login_idle;
    row.expires_at.is_none_or(|end| end > now)
        && (idle.is_zero() || row.last_used_at.unwrap_or(row.created_at).plus(idle) > now)
}

fn session(row: TokenRow, caller: &Caller, now: Timestamp) -> Session {
    let is_current = row.token_id == caller.token_id;
    Session {
        is_current,
        kind: if row.refreshable_until.is_some() { "browser" } else { "cli" }.to_owned(),
        token_id: row.token_id,
        name: row.name,
        client_label: row.client_label,
        user_agent: row.user_agent,
        last_address: row.last_address,
        created_at: row.created_at,
        last_used_at: if is_current { Some(now) } else { row.last_used_at },
        expires_at: row.refreshable_until.or(row.expires_at),
    }
}
