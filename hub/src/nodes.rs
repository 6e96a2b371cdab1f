//! Nodes as others see them.

pub(crate) mod delete;
pub(crate) mod find;
pub(crate) mod list;
pub(crate) mod rename;
pub(crate) mod stats;
pub(crate) mod status;

use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::ErrorCode;
use anet_protocol::role::NetworkRole;

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::store::Transaction;

/// A member looks after the own nodes; the network's owner and admins after all.
pub(crate) async fn may_manage(
    transaction: &mut dyn Transaction,
    caller: &Caller,
    network_id: &NetworkId,
    owner_id: Option<&UserId>,
) -> Result<(), HubError> {
    if owner_id == Some(&caller.user.user_id) {
        return Ok(());
    }
    let standing = transaction.standing(&caller.token_id, Some(network_id)).await?;
    match standing.and_then(|standing| standing.rank()) {
        Some(NetworkRole::Owner | NetworkRole::Admin) => Ok(()),
        _ => Err(Refusal::new(ErrorCode::PermissionDenied, "permission_denied")
            .message("the node belongs to somebody else")
            .into()),
    }
}
