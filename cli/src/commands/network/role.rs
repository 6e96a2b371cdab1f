use anet_protocol::rest::ChangeRole;
use anet_protocol::role::NetworkRole;
use std::process::ExitCode;

use super::members::member;
use super::{meant, parse_role};
use crate::context::Context;
use crate::failure::Outcome;

/// Give a member another role
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The member, by user name or id
    user: String,
    /// The role from now on: admin, member or viewer
    #[arg(value_parser = parse_role)]
    role: NetworkRole,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    let member = member(&hub, &network.network_id, &arguments.user).await?;
    hub.change_role(&network.network_id, &member.user_id, &ChangeRole { role: arguments.role }).await?;
    let role = arguments.role.as_str();
    context.printer.note(&format!("{} is {role} of {} now", member.username, network.network_name))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({
            "network_id": network.network_id, "user_id": member.user_id, "role": arguments.role,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}
