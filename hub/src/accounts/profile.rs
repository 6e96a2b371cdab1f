use anet_protocol::rest::{EditProfile, User, UserAnswer};
use anet_protocol::role::Operation;

use super::register::check_text;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Changes the own shown name and mail address.
pub(crate) async fn edit(hub: &Hub, caller: &Caller, request: EditProfile) -> Result<UserAnswer, HubError> {
    check_text("email", request.email.as_deref(), 254)?;
    check_text("display_name", request.display_name.as_deref(), 100)?;
    let now = hub.now();
    let caller = caller.clone();
    let given =
        |text: Option<String>, old: Option<String>| text.map_or(old, |text| Some(text).filter(|t| !t.is_empty()));
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::EditProfile).await?;
        let changed: Vec<&str> = [("display_name", &request.display_name), ("email", &request.email)]
            .into_iter()
            .filter_map(|(field, value)| value.as_ref().map(|_| field))
            .collect();
        let entry =
            AuditEntry::by(&caller, "profile_changed", now).to("user", &caller.user.user_id).detail(changed.join(", "));
        let user = User {
            display_name: given(request.display_name, caller.user.display_name),
            email: given(request.email, caller.user.email),
            ..caller.user
        };
        transaction.set_profile(&user).await?;
        transaction.insert_audit(&entry).await?;
        Ok(UserAnswer { user })
    })
    .await
}
