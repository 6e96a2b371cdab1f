use anet_protocol::rest::{User, UserRow};
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::hub_client::HubClient;

pub(super) async fn run(context: &Context) -> Outcome {
    let list = context.hub()?.users().await?;
    context.printer.either(&list, || {
        let rows = list.users.iter().map(|row| {
            let user = &row.user;
            [
                user.username.clone(),
                user.role.as_str().to_owned(),
                user.display_name.clone().unwrap_or_else(|| "-".to_owned()),
                row.created_at.to_string(),
                remarks(row),
                user.user_id.to_string(),
            ]
        });
        context.printer.table(["USER", "ROLE", "SHOWN AS", "SINCE (UTC)", "REMARKS", "ID"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn remarks(row: &UserRow) -> String {
    let given = row.user.must_change_password.then(|| "password to be changed".to_owned());
    let failed = (row.failed_logins > 0).then(|| format!("{} wrong password(s)", row.failed_logins));
    let delayed = row.login_delayed_until.map(|time| format!("no login until {time} UTC"));
    [given, failed, delayed].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The account of this name or id.
pub(super) async fn user(hub: &HubClient, reference: &str) -> Result<User, Failure> {
    let users = hub.users().await?.users;
    find(&users, reference).cloned().ok_or_else(|| {
        Failure::message(format!("this hub has no account {reference}")).hint("`anet hub users` lists the accounts")
    })
}

/// Somebody may take another's id for a user name, so the id wins.
fn find<'a>(users: &'a [UserRow], reference: &str) -> Option<&'a User> {
    let users = || users.iter().map(|row| &row.user);
    users().find(|user| user.user_id.as_str() == reference).or_else(|| users().find(|user| user.username == reference))
}

#[cfg(test)]
mod tests {
    use anet_protocol::id::UserId;
    use anet_protocol::role::SystemRole;
    use anet_protocol::time::Timestamp;

    use super::*;

    fn row(id: &str, name: &str) -> UserRow {
        UserRow {
            user: User {
                user_id: UserId::from(id),
                username: name.to_owned(),
                display_name: None,
                email: None,
                role: SystemRole::User,
                must_change_password: false,
            },
            created_at: Timestamp::from_millis(0),
            failed_logins: 0,
            login_delayed_until: None,
        }
    }

    #[test]
    fn an_id_cannot_be_taken_over_by_a_name() {
        let users = [row("u_1", "u_2"), row("u_2", "ann")];
        let found = |reference: &str| find(&users, reference).map(|user| user.user_id.to_string());
        assert_eq!(found("u_2").as_deref(), Some("u_2"));
        assert_eq!(found("ann").as_deref(), Some("u_2"));
        assert_eq!(found("bob"), None);
    }
}
