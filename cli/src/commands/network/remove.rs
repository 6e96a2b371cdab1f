use std::process::ExitCode;

use super::meant;
use super::members::member;
use crate::context::Context;
use crate::failure::Outcome;

/// Take a member out of the network; the tokens of the member's nodes and keys in it are dead at once
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The member, by user name or id
    user: String,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    let member = member(&hub, &network.network_id, &arguments.user).await?;
    let removed = hub.remove_member(&network.network_id, &member.user_id).await?;
    let (name, revoked) = (&network.network_name, removed.tokens_revoked);
    context.printer.note(&format!("{} is out of {name}, {revoked} token(s) revoked", member.username))?;
    if context.printer.json {
        context.printer.document(&removed)?;
    }
    Ok(ExitCode::SUCCESS)
}
