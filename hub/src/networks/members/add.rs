use anet_protocol::id::NetworkId;
use anet_protocol::rest::{AddMember, ErrorCode};
use anet_protocol::role::Operation;

use super::assignable;
use crate::accounts::name;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::networks::find::network_for;

/// Makes a person a member, named by id or login name.
pub(crate) async fn add(
    hub: &Hub,
    caller: &Caller,
    network_id: &NetworkId,
    request: AddMember,
) -> Result<(), HubError> {
    let (now, caller, network_id) = (hub.now(), caller.clone(), network_id.clone());
    hub.write(async move |transaction| {
        network_for(transaction, &caller, &network_id, Operation::ManageMembers).await?;
        let role = assignable(request.role)?;
        let person = match (&request.user_id, &request.username) {
            (Some(user_id), None) => transaction.user(user_id).await?,
            (None, Some(username)) => transaction.user_by_name(username, &name::key(username)).await?,
            _ => return Err(Refusal::invalid("user_id", "one of user_id and username").into()),
        };
        let person = person.ok_or_else(|| Refusal::new(ErrorCode::UserNotFound, "user not found"))?.user;
        if transaction.member(&network_id, &person.user_id).await?.is_some() {
            return Err(Refusal::new(ErrorCode::AlreadyMember, "user already a member").into());
        }
        transaction.insert_member(&network_id, &person.user_id, role, Some(&caller.user.user_id), now).await?;
        let entry = AuditEntry::by(&caller, "member_added", now)
            .to("user", &person.user_id)
            .detail(format!("{} as {}", person.user_id, role.as_str()))
            .within(&network_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await
}
