use anet_protocol::id::NetworkId;
use anet_protocol::rest::{CreateNetwork, ErrorCode, Network, NetworkCreated};
use anet_protocol::role::{NetworkRole, Operation, SystemRole};
use anet_protocol::text::is_invisible;

use crate::accounts::register::check_text;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;

/// Makes a network that the caller owns.
pub(crate) async fn create(hub: &Hub, caller: &Caller, request: CreateNetwork) -> Result<NetworkCreated, HubError> {
    check_name(&request.name)?;
    check_text("description", request.description.as_deref(), 500)?;
    let now = hub.now();
    let most = hub.settings().owned_networks;
    let network = Network {
        network_id: NetworkId::random(hub.entropy()),
        network_name: request.name,
        owner_id: caller.user.user_id.clone(),
        description: request.description.filter(|text| !text.is_empty()),
        created_at: now,
        member_role: Some(NetworkRole::Owner),
    };
    let caller = caller.clone();
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::CreateNetwork).await?;
        if caller.network_id.is_some() {
            return Err(Refusal::new(ErrorCode::UserTokenRequired, "user_token_required")
                .message("this token is bound to one network")
                .into());
        }
        let owned = transaction.owned_networks(&caller.user.user_id).await?;
        if caller.user.role != SystemRole::Admin && owned >= most {
            return Err(Refusal::new(ErrorCode::QuotaExceeded, format!("quota exceeded: max {most} networks")).into());
        }
        if !transaction.insert_network(&network).await? {
            return Err(name_taken("network name already exists").into());
        }
        let entry = AuditEntry::by(&caller, "network_created", now)
            .to("network", &network.network_id)
            .detail(&network.network_name)
            .within(&network.network_id);
        transaction.insert_audit(&entry).await?;
        Ok(NetworkCreated { network_id: network.network_id, network_name: network.network_name })
    })
    .await
}

/// 1 to 64 characters that are seen, and not like an id, because a network is called by either; nor like an option or a
/// path, because it is written into commands.
pub(crate) fn check_name(name: &str) -> Result<(), HubError> {
    let length = name.chars().count();
    let is_forbidden = |c: char| c.is_control() || is_invisible(c) || matches!(c, '/' | '\\');
    let is_path = name.chars().any(is_forbidden) || name.chars().all(|c| c == '.');
    if !(1..=64).contains(&length) || is_path || name.trim() != name || name.starts_with('-') {
        let rule = "1 to 64 characters, none of them invisible, `/` or `\\`, no blank at either end, no `-` in front";
        return Err(Refusal::invalid("name", rule).into());
    }
    if name.starts_with("net_") {
        return Err(Refusal::invalid("name", "not like an id: it may not begin with `net_`").into());
    }
    Ok(())
}

pub(crate) fn name_taken(error: &str) -> Refusal {
    Refusal::new(ErrorCode::NetworkNameTaken, error)
}
