use anet_protocol::rest::{ErrorCode, JoinNetwork, NetworkJoined};
use anet_protocol::role::{NetworkRole, Operation};

use super::redeem::{self, Kind};
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::limits::Action;

/// Makes the caller a member of the network that the invite leads into. No token is made: the person has one.
pub(crate) async fn join(hub: &Hub, caller: &Caller, request: JoinNetwork) -> Result<NetworkJoined, HubError> {
    let now = hub.now();
    hub.limits().take(Action::Invite, caller.address, now)?;
    let asking = caller.clone();
    let joined = hub
        .write(async move |transaction| {
            asking.authorize_account(transaction, Operation::JoinNetwork).await?;
            let invite = redeem::find(transaction, &request.invite_code, Kind::Network).await?;
            if let Some(network_id) = &invite.network_id
                && transaction.member(network_id, &asking.user.user_id).await?.is_some()
            {
                return Err(Refusal::new(ErrorCode::AlreadyMember, "already a member of this network").into());
            }
            redeem::spend(transaction, &invite, now).await?;
            let network_id = redeem::enter(transaction, &invite, &asking.user, asking.address, now).await?;
            let network = match &network_id {
                Some(network_id) => transaction.network(network_id).await?,
                None => None,
            };
            let network = network.ok_or_else(|| Refusal::new(ErrorCode::InvalidInvite, "invalid invite code"))?;
            Ok(NetworkJoined {
                network_id: network.network_id,
                network_name: network.network_name,
                role: invite.role.unwrap_or(NetworkRole::Viewer),
            })
        })
        .await;
    if matches!(&joined, Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::InvalidInvite) {
        redeem::note_refused(hub, caller.address, Some(&caller.user)).await?;
    }
    joined
}
