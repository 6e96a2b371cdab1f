use anet_protocol::id::NetworkId;
use anet_protocol::rest::RenameNetwork;
use anet_protocol::role::Operation;

use super::create::{check_name, name_taken};
use super::find::network_for;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Gives a network another name.
pub(crate) async fn rename(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    request: RenameNetwork,
) -> Result<(), HubError> {
    let (now, caller, network_id) = (hub.now(), caller.clone(), network_id.clone());
    hub.write(async move |transaction| {
        let network = network_for(transaction, &caller, &network_id, Operation::RenameNetwork).await?;
        check_name(&request.name)?;
        if !transaction.rename_network(&network_id, &request.name, now).await? {
            return Err(name_taken("name already taken").into());
        }
        let entry = AuditEntry::by(&caller, "network_renamed", now)
            .to("network", &network_id)
            .detail(format!("{} → {}", network.network_name, request.name))
            .within(&network_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await
}
