use anet_protocol::rest::{UserList, UserRow};

use crate::accounts::name;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Every account, oldest first.
pub(crate) async fn list(hub: &Hub, caller: &Caller) -> Result<UserList, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_admin(&mut *reads).await?;
    let now = hub.now();
    let mut users = Vec::new();
    for stored in reads.users().await? {
        let failures = reads.worst_login_failures(&name::key(&stored.user.username)).await?;
        users.push(UserRow {
            user: stored.user,
            created_at: stored.created_at,
            failed_logins: failures.map_or(0, |failures| u64::from(failures.failures)),
            login_delayed_until: failures.map(|failures| failures.delayed_until).filter(|until| *until > now),
        });
    }
    Ok(UserList { users })
}
