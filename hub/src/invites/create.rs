use std::time::Duration;

use anet_protocol::id::{InviteId, NetworkId};
use anet_protocol::rest::{CreateInvite, CreateSystemInvite, InviteCreated};
use anet_protocol::role::{Operation, SystemRole};
use anet_protocol::time::Timestamp;
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::limits::Action;
use crate::networks::find::network_for;
use crate::networks::members::assignable;
use crate::store::NewInvite;

/// How long an invite works unless somebody says otherwise.
const DAYS: u32 = 7;

/// Makes an invite to a network.
pub(crate) async fn to_network(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    request: CreateInvite,
) -> Result<InviteCreated, HubError> {
    hub.limits().take(Action::Invite, caller.address, hub.now())?;
    let max_uses = request.max_uses.unwrap_or(1);
    if !(max_uses == -1 || (1..=1000).contains(&max_uses)) {
        return Err(Refusal::invalid("max_uses", "1 to 1000, or -1 without limit").into());
    }
    let expires_at = end(hub.now(), request.expires_days)?;
    let secret = token::mint(TokenKind::Invite, hub.entropy());
    let invite =
        NewInvite { network_id: Some(network_id.clone()), max_uses, ..blank(hub, caller, &secret, expires_at) };
    let (now, caller, network_id) = (hub.now(), caller.clone(), network_id.clone());
    let invite_id = hub
        .write(async move |transaction| {
            network_for(transaction, &caller, &network_id, Operation::ManageMembers).await?;
            let invite = NewInvite { role: Some(assignable(request.role)?), ..invite };
            transaction.insert_invite(&invite).await?;
            let role = invite.role.map_or("", |role| role.as_str());
            let entry = AuditEntry::by(&caller, "invite_created", now)
                .to("invite", &invite.invite_id)
                .detail(format!("role={role}, max_uses={max_uses}, until {expires_at}"))
                .within(&network_id);
            transaction.insert_audit(&entry).await?;
            Ok(invite.invite_id)
        })
        .await?;
    Ok(InviteCreated { invite_code: secret.expose_secret().to_owned(), invite_id, expires_at })
}

/// Makes an invite to the hub, which works once.
pub(crate) async fn to_hub(hub: &Hub, caller: &Caller, request: CreateSystemInvite) -> Result<InviteCreated, HubError> {
    hub.limits().take(Action::Invite, caller.address, hub.now())?;
    if request.network_role.is_some() && request.network_id.is_none() {
        return Err(Refusal::invalid("network_role", "goes with network_id").into());
    }
    let expires_at = end(hub.now(), request.expires_days)?;
    let secret = token::mint(TokenKind::Invite, hub.entropy());
    let system_role = request.role.unwrap_or(SystemRole::User);
    let invite = NewInvite {
        network_id: request.network_id,
        system_role: Some(system_role),
        ..blank(hub, caller, &secret, expires_at)
    };
    let (now, caller) = (hub.now(), caller.clone());
    let invite_id = hub
        .write(async move |transaction| {
            caller.authorize_admin(transaction).await?;
            let mut invite = invite;
            if let Some(network_id) = &invite.network_id {
                network_for(transaction, &caller, network_id, Operation::ManageMembers).await?;
                invite.role = Some(assignable(request.network_role)?);
            }
            transaction.insert_invite(&invite).await?;
            let mut entry = AuditEntry::by(&caller, "system_invite_created", now)
                .to("invite", &invite.invite_id)
                .detail(format!("role={}, until {expires_at}", system_role.as_str()));
            entry.network_id.clone_from(&invite.network_id);
            transaction.insert_audit(&entry).await?;
            Ok(invite.invite_id)
        })
        .await?;
    Ok(InviteCreated { invite_code: secret.expose_secret().to_owned(), invite_id, expires_at })
}

fn blank(hub: &Hub, caller: &Caller, secret: &SecretString, expires_at: Timestamp) -> NewInvite {
    NewInvite {
        invite_id: InviteId::random(hub.entropy()),
        code_digest: token::digest(secret.expose_secret()),
        network_id: None,
        role: None,
        system_role: None,
        max_uses: 1,
        created_by: caller.user.user_id.clone(),
        created_at: hub.now(),
        expires_at,
    }
}

fn end(now: Timestamp, days: Option<u32>) -> Result<Timestamp, HubError> {
    let days = days.unwrap_or(DAYS);
    if !(1..=365).contains(&days) {
        return Err(Refusal::invalid("expires_days", "1 to 365").into());
    }
    Ok(now.plus(Duration::from_secs(u64::from(days) * 24 * 3600)))
}
