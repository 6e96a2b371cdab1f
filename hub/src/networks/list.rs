use anet_protocol::rest::NetworkList;
use anet_protocol::role::Operation;

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// The networks that the caller is in, own ones first; of a bound token, its own. A system admin sees all, behind the own
/// ones and without a role.
pub(crate) async fn list(hub: &Hub, caller: &Caller) -> Result<NetworkList, HubError> {
    let mut reads = hub.read().await?;
    let mut networks = reads.memberships(&caller.user.user_id).await?;
    if caller.reads_everything(Operation::ReadNetwork) {
        let known: Vec<_> = networks.iter().map(|network| network.network_id.clone()).collect();
        let others = reads.networks().await?.into_iter().filter(|network| !known.contains(&network.network_id));
        networks.extend(others);
    }
    if let Some(bound) = &caller.network_id {
        networks.retain(|network| network.network_id == *bound);
    }
    Ok(NetworkList { networks })
}
