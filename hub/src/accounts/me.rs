use anet_protocol::rest::{Credential, Me, User};
use anet_protocol::role::{CredentialKind, Operation};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Who the token belongs to and what it reaches.
pub(crate) async fn me(hub: &Hub, caller: &Caller) -> Result<Me, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_account(&mut *reads, Operation::ReadOwnAccount).await?;
    let mut networks = reads.memberships(&caller.user.user_id).await?;
    if let Some(bound) = &caller.network_id {
        networks.retain(|network| network.network_id == *bound);
    }
    Ok(Me {
        // A node or a script has no use for the owner's mail address.
        user: match caller.credential {
            CredentialKind::User => caller.user.clone(),
            _ => User { email: None, ..caller.user.clone() },
        },
        networks,
        current_network: caller.network_id.clone(),
        credential: Credential {
            kind: caller.credential.as_str().to_owned(),
            scope: caller.credential.scope().to_owned(),
            token_id: caller.token_id.clone(),
            node_id: caller.node.as_ref().map(|node| node.node_id.clone()),
            created_at: Some(caller.token_made_at),
            expires_at: caller.token_ends_at,
        },
    })
}
