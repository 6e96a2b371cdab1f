use anet_protocol::id::NetworkId;
use anet_protocol::rest::{ErrorCode, Network};
use anet_protocol::role::Operation;

use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::store::Reads;

/// The network, if the caller may do `operation` in it. One that the caller may not even see looks like none at all.
pub(crate) async fn network_for(
    reads: &mut dyn Reads,
    caller: &Caller,
    network_id: &NetworkId,
    operation: Operation,
) -> Result<Network, HubError> {
    let not_found = || Refusal::new(ErrorCode::NetworkNotFound, "network not found");
    match caller.authorize(reads, network_id, Operation::ReadNetwork).await {
        Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::AccessDenied => return Err(not_found().into()),
        seen => seen?,
    }
    let network = reads.network(network_id).await?.ok_or_else(not_found)?;
    match caller.authorize(reads, network_id, operation).await {
        Ok(()) => Ok(network),
        // A system admin sees the network and is no member of it; to all others it is their rank that does not suffice.
        Err(HubError::Refused(mut refusal))
            if matches!(refusal.code, ErrorCode::AccessDenied | ErrorCode::PermissionDenied) =>
        {
            refusal.code = ErrorCode::PermissionDenied;
            words(operation).clone_into(&mut refusal.error);
            Err(HubError::Refused(refusal))
        }
        Err(error) => Err(error),
    }
}

/// Upstream's texts, which its clients compare (commhub-http §1.4).
const fn words(operation: Operation) -> &'static str {
    match operation {
        Operation::ManageMembers | Operation::ReadNetworkAudit => "owner/admin required",
        Operation::ChangeRole | Operation::TransferNetwork => "owner required",
        Operation::RenameNetwork | Operation::DeleteNetwork => "not your network",
        _ => "permission_denied",
    }
}
