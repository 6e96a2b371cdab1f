use anet_protocol::id::NetworkId;
use anet_protocol::rest::Me;
use anet_protocol::role::SystemRole;

use super::hub_api::{DenialKind, HubApi};
use super::{NodeAccount, RepairOutcome};
use crate::login::Login;

/// Where a node's token is to be minted.
pub(super) struct Place {
    pub(super) network_id: NetworkId,
    /// The name that the hub knows the node by.
    pub(super) name: String,
}

/// Asks the hub where the node is. A node that the hub does not know is made anew only where `may_create` says so: one
/// that was deleted must not come back by itself.
///
/// # Errors
/// What a person has to mend, or when to try again.
pub(super) async fn find(
    hub: &HubApi,
    login: &Login,
    me: &Me,
    account: &NodeAccount,
    may_create: bool,
) -> Result<Place, RepairOutcome> {
    let node = hub.node(login.token.as_ref(), &account.node_id).await.map_err(|denial| match denial.kind {
        DenialKind::Passing(retry_after) => RepairOutcome::Later { reason: denial.reason, retry_after },
        _ => attention(denial.reason, "`anet whoami` shows what your login reaches"),
    })?;
    if let Some(node) = node {
        return match &account.network_id {
            Some(known) if *known != node.network_id => Err(attention(
                format!("its configuration names the network {known}, but the hub has it in {}", node.network_id),
                "correct `network_id` in its config.json",
            )),
            _ => Ok(Place { network_id: node.network_id, name: node.alias.as_str().to_owned() }),
        };
    }
    let Some(network_id) = &account.network_id else {
        return Err(attention(
            format!("the hub knows no node {}, and its configuration names no network", account.node_id),
            "put its `network_id` into its config.json; `anet network ls` lists yours",
        ));
    };
    let is_member = me.user.role == SystemRole::Admin || me.networks.iter().any(|own| own.network_id == *network_id);
    if !is_member {
        return Err(attention(
            format!(
                "{} is not a member of its network {network_id} any more, or the network is gone",
                me.user.username
            ),
            "have yourself invited again, or log in as a member with `anet login`",
        ));
    }
    if may_create {
        return Ok(Place { network_id: network_id.clone(), name: account.name.clone() });
    }
    Err(attention(
        format!("the hub knows no node {}: it was deleted there", account.node_id),
        &format!("`anet node delete {0} --force`, then `anet node create {0}`", account.name),
    ))
}

fn attention(reason: String, hint: &str) -> RepairOutcome {
    RepairOutcome::NeedsAttention { reason, hint: hint.to_owned() }
}
