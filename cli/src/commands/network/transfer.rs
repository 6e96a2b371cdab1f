use anet_protocol::rest::TransferNetwork;
use std::process::ExitCode;

use super::meant;
use super::members::member;
use crate::context::Context;
use crate::failure::Outcome;

/// Give the network to another member; you become an admin of it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The member, by user name or id
    user: String,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    let member = member(&hub, &network.network_id, &arguments.user).await?;
    let request = TransferNetwork { user_id: member.user_id.clone() };
    hub.transfer_network(&network.network_id, &request).await?;
    context.printer.note(&format!("{} owns {} now; you are an admin of it", member.username, network.network_name))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({
            "network_id": network.network_id, "owner_id": member.user_id,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}
