use anet_protocol::id::NetworkId;
use anet_protocol::rest::TransferNetwork;
use anet_protocol::role::Operation;

use super::create::name_taken;
use super::find::network_for;
use super::members::not_a_member;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;

/// Hands a network over to another member; the former owner becomes an admin of it.
pub(crate) async fn transfer(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    request: TransferNetwork,
) -> Result<(), HubError> {
    let (now, caller, network_id) = (hub.now(), caller.clone(), network_id.clone());
    hub.write(async move |transaction| {
        let network = network_for(transaction, &caller, &network_id, Operation::TransferNetwork).await?;
        let to = request.user_id;
        if to == network.owner_id {
            return Err(Refusal::invalid("user_id", "owns the network already").into());
        }
        let member = transaction.member(&network_id, &to).await?.ok_or_else(|| not_a_member("not a member"))?;
        if !transaction.transfer_network(&network, &to, now).await? {
            return Err(name_taken("name already taken")
                .message(format!("{} owns a network of that name; rename this one first", member.username))
                .into());
        }
        let entry = AuditEntry::by(&caller, "network_transferred", now)
            .to("network", &network_id)
            .detail(format!("{} → {to}", network.owner_id))
            .within(&network_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await
}
