use anet_protocol::id::NetworkId;
use anet_protocol::rest::Member;
use std::process::ExitCode;

use super::meant;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::hub_client::HubClient;

pub(super) async fn run(context: &Context) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    let list = hub.members(&network.network_id).await?;
    context.printer.either(&list, || {
        let rows = list.members.iter().map(|member| {
            [
                member.username.clone(),
                member.display_name.clone().unwrap_or_else(|| "-".to_owned()),
                member.role.as_str().to_owned(),
                member.joined_at.to_string(),
                member.user_id.to_string(),
            ]
        });
        context.printer.table(["USER", "SHOWN AS", "ROLE", "SINCE (UTC)", "ID"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The member of this name or id.
pub(super) async fn member(hub: &HubClient, network_id: &NetworkId, reference: &str) -> Result<Member, Failure> {
    let members = hub.members(network_id).await?.members;
    find(&members, reference).cloned().ok_or_else(|| {
        Failure::message(format!("{reference} is no member of {network_id}"))
            .hint("`anet network members` lists the members")
    })
}

/// Somebody may take another's id for a user name, so the id wins.
fn find<'a>(members: &'a [Member], reference: &str) -> Option<&'a Member> {
    let by_id = members.iter().find(|member| member.user_id.as_str() == reference);
    by_id.or_else(|| members.iter().find(|member| member.username == reference))
}

#[cfg(test)]
mod tests {
    use anet_protocol::id::UserId;
    use anet_protocol::role::NetworkRole;
    use anet_protocol::time::Timestamp;

    use super::*;

    fn member(id: &str, name: &str) -> Member {
        Member {
            user_id: UserId::from(id),
            username: name.to_owned(),
            display_name: Some("the same".to_owned()),
            role: NetworkRole::Member,
            joined_at: Timestamp::from_millis(0),
            invited_by: None,
        }
    }

    #[test]
    fn a_member_is_named_by_name_or_id_and_never_by_the_shown_name() {
        let members = [member("u_1", "u_2"), member("u_2", "ann")];
        let found = |reference: &str| find(&members, reference).map(|member| member.user_id.to_string());
        assert_eq!(found("ann").as_deref(), Some("u_2"));
        assert_eq!(found("u_1").as_deref(), Some("u_1"));
        assert_eq!(found("u_2").as_deref(), Some("u_2"), "an id cannot be taken over by a name");
        assert_eq!(found("the same"), None);
    }
}
