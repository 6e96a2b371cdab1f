use std::net::IpAddr;

use anet_protocol::id::NetworkId;
use anet_protocol::rest::{ErrorCode, Invite, User};
use anet_protocol::role::{NetworkRole, SystemRole};
use anet_protocol::time::Timestamp;
use anet_protocol::token::{self, TokenKind};

use crate::audit::AuditEntry;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::{Reads, Transaction};

/// What an invite must be good for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Network,
    Hub,
}

/// The invite of this code, if it is of that kind. One that is unknown, revoked, or made by somebody who may no longer
/// invite is no invite.
pub(crate) async fn find(reads: &mut dyn Reads, code: &str, kind: Kind) -> Result<Invite, HubError> {
    let invalid = || Refusal::new(ErrorCode::InvalidInvite, "invalid invite code");
    // What cannot be a code costs no look-up.
    if token::parse(code) != Ok(TokenKind::Invite) {
        return Err(invalid().into());
    }
    let invite = reads.invite_by_code(&token::digest(code)).await?.ok_or_else(invalid)?;
    let is_kind = invite.system_role.is_some() == (kind == Kind::Hub);
    if !is_kind || invite.revoked_at.is_some() || !is_backed(reads, &invite).await? {
        return Err(invalid().into());
    }
    Ok(invite)
}

/// Whether its maker may still invite.
async fn is_backed(reads: &mut dyn Reads, invite: &Invite) -> Result<bool, HubError> {
    if let Some(network_id) = &invite.network_id {
        let maker = reads.member(network_id, &invite.created_by).await?;
        if !maker.is_some_and(|maker| matches!(maker.role, NetworkRole::Owner | NetworkRole::Admin)) {
            return Ok(false);
        }
    }
    if invite.system_role.is_some() {
        let maker = reads.user(&invite.created_by).await?;
        return Ok(maker.is_some_and(|maker| maker.user.role == SystemRole::Admin));
    }
    Ok(true)
}

/// Uses the invite once. Of many at once not one too many succeeds.
pub(crate) async fn spend(transaction: &mut dyn Transaction, invite: &Invite, now: Timestamp) -> Result<(), HubError> {
    if transaction.use_invite(&invite.invite_id, now).await? {
        return Ok(());
    }
    // Upstream's texts (commhub-http §1.4).
    let error = if invite.expires_at <= now { "invite code expired" } else { "invite code fully used" };
    Err(Refusal::new(ErrorCode::InvalidInvite, error).into())
}

/// Makes the person a member of the network that the invite leads into, if it leads into one.
pub(crate) async fn enter(
    transaction: &mut dyn Transaction,
    invite: &Invite,
    user: &User,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<Option<NetworkId>, HubError> {
    let (Some(network_id), Some(role)) = (&invite.network_id, invite.role) else { return Ok(None) };
    transaction.insert_member(network_id, &user.user_id, role, Some(&invite.created_by), now).await?;
    let entry = AuditEntry::by_user(user, address, "network_joined", now)
        .to("network", network_id)
        .detail(format!("via invite {}, role={}", invite.invite_id, role.as_str()))
        .within(network_id);
    transaction.insert_audit(&entry).await?;
    Ok(Some(network_id.clone()))
}

/// Writes down that a code was refused, but not the code.
pub(crate) async fn note_refused(hub: &Hub, address: Option<IpAddr>, user: Option<&User>) -> Result<(), HubError> {
    let now = hub.now();
    let entry = match user {
        Some(user) => AuditEntry::by_user(user, address, "invite_refused", now),
        None => AuditEntry::anonymous(address, "invite_refused", now),
    };
    hub.note_refusal(address, entry.to("invite", "")).await
}
