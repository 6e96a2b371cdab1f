use anet_protocol::rest::{TokenInfo, TokenList};
use anet_protocol::role::{CredentialKind, Operation};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::TokenRow;

/// The caller's tokens of every kind, newest first, without the secrets.
pub(crate) async fn list(hub: &Hub, caller: &Caller) -> Result<TokenList, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_account(&mut *reads, Operation::ManageCredentials).await?;
    let rows = reads.tokens_of_user(&caller.user.user_id).await?;
    let rows = rows.into_iter().filter(|row| row.kind != CredentialKind::Legacy);
    let rows = rows.map(|row| hub.live().uses.complete(row));
    Ok(TokenList { tokens: rows.map(info).collect() })
}

fn info(row: TokenRow) -> TokenInfo {
    TokenInfo {
        token_id: row.token_id,
        name: row.name,
        kind: row.kind.as_str().to_owned(),
        scope: row.kind.scope().to_owned(),
        network_id: row.network_id,
        node_id: row.node_id,
        label: row.client_label,
        last_used_at: row.last_used_at,
        created_at: row.created_at,
        expires_at: row.refreshable_until.or(row.expires_at),
    }
}
