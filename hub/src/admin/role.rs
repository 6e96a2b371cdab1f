use anet_protocol::id::UserId;
use anet_protocol::rest::{ChangeSystemRole, ErrorCode, User, UserAnswer};
use anet_protocol::role::SystemRole;

use super::reset::not_found;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;

/// Makes somebody an administrator of the hub, or no longer one. The last one stays.
pub(crate) async fn change(
    hub: &Hub,
    caller: &Caller,
    user_id: &UserId,
    request: ChangeSystemRole,
) -> Result<UserAnswer, HubError> {
    let (now, caller, user_id) = (hub.now(), caller.clone(), user_id.clone());
    hub.write(async move |transaction| {
        caller.authorize_admin(transaction).await?;
        let users = transaction.users().await?;
        let stored = users.iter().find(|stored| stored.user.user_id == user_id).ok_or_else(not_found)?;
        let is_admin = |user: &User| user.role == SystemRole::Admin;
        let admins = users.iter().filter(|stored| is_admin(&stored.user)).count();
        if is_admin(&stored.user) && request.role != SystemRole::Admin && admins == 1 {
            return Err(Refusal::new(ErrorCode::LastAdmin, "last admin")
                .message("a hub keeps at least one administrator")
                .hint("make somebody else an administrator first")
                .into());
        }
        transaction.set_system_role(&user_id, request.role).await?;
        let entry = AuditEntry::by(&caller, "system_role_changed", now).to("user", &user_id).detail(format!(
            "{} → {}",
            stored.user.role.as_str(),
            request.role.as_str()
        ));
        transaction.insert_audit(&entry).await?;
        Ok(UserAnswer { user: User { role: request.role, ..stored.user.clone() } })
    })
    .await
}
