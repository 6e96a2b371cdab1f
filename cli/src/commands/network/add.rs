use anet_protocol::rest::AddMember;
use anet_protocol::role::NetworkRole;
use std::process::ExitCode;

use super::{meant, parse_role};
use crate::context::Context;
use crate::failure::Outcome;

/// Make a person a member
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The person, by user name
    user: String,
    /// The role: admin, member or viewer
    #[arg(long, default_value = "member", value_parser = parse_role)]
    role: NetworkRole,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    let request = AddMember { user_id: None, username: Some(arguments.user.clone()), role: Some(arguments.role) };
    hub.add_member(&network.network_id, &request).await?;
    let role = arguments.role.as_str();
    context.printer.note(&format!("{} is {role} of {} now", arguments.user, network.network_name))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({
            "network_id": network.network_id, "username": arguments.user, "role": arguments.role,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}
