use anet_protocol::id::NetworkId;
use anet_protocol::rest::{DeleteNetwork, ErrorCode, NetworkDeleted};
use anet_protocol::role::Operation;

use super::find::network_for;
use super::show::stats;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;
use crate::store::{NodeFilter, Scope};

/// Removes a network with its nodes, tasks, messages, events, members, invites and tokens. Its lines of the audit log
/// stay. Agents that are connected must be stopped first, or `force` ends them.
pub(crate) async fn delete(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    request: DeleteNetwork,
) -> Result<NetworkDeleted, HubError> {
    let now = hub.now();
    let operation = hub.clone();
    let (caller, network_id) = (caller.clone(), network_id.clone());
    let (deleted, nodes) = hub
        .write(async move |transaction| {
            let network = network_for(transaction, &caller, &network_id, Operation::DeleteNetwork).await?;
            let removed = stats(&operation, transaction, &network_id).await?;
            if removed.sessions > 0 && !request.force {
                // Upstream's text, which also counted those that were gone (D-18).
                let error = format!("network has {} active session(s) — stop them first", removed.sessions);
                return Err(Refusal::new(ErrorCode::NetworkBusy, error).into());
            }
            let scope = Scope::Networks(vec![network_id.clone()]);
            let nodes = transaction.nodes(&NodeFilter { scope, node_id: None, alias: None }).await?;
            let tokens = transaction.delete_network(&network_id).await?;
            let entry = AuditEntry::by(&caller, "network_deleted", now)
                .to("network", &network_id)
                .detail(format!("{}, nodes={}, members={}", network.network_name, removed.nodes, removed.members))
                .within(&network_id);
            transaction.insert_audit(&entry).await?;
            let tokens_revoked = tokens.len() as u64;
            for token_id in tokens {
                transaction.after_commit(Effect::CloseToken(token_id));
            }
            transaction.after_commit(Effect::CloseNetwork(network_id));
            Ok((NetworkDeleted { removed, tokens_revoked }, nodes))
        })
        .await?;
    for stored in nodes {
        hub.live().presence.forget(&stored.node.node_id);
    }
    Ok(deleted)
}
