use anet_protocol::id::InviteId;
use anet_protocol::rest::{Invite, InviteList};
use clap::Subcommand;
use std::process::ExitCode;

use super::meant;
use crate::commands::parse_id;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// List the invites to the network, or revoke one
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Revoke an invite; who has joined by it stays
    Revoke(Revocation),
}

/// Which invite is revoked.
#[derive(Debug, clap::Args)]
pub(crate) struct Revocation {
    /// The invite's id, as the list shows it
    #[arg(value_name = "ID", value_parser = parse_id::<InviteId>)]
    pub invite_id: InviteId,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    match arguments.command {
        None => print(context, &hub.invites(&network.network_id).await?)?,
        Some(Command::Revoke(Revocation { invite_id })) => {
            hub.revoke_invite(&network.network_id, &invite_id).await?;
            report_revoked(context, &invite_id)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that an invite does not work any more.
pub(crate) fn report_revoked(context: &Context, invite_id: &InviteId) -> Result<(), Failure> {
    context.printer.note(&format!("{invite_id} is revoked"))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "invite_id": invite_id }))?;
    }
    Ok(())
}

/// Prints invites to a network or to the hub.
pub(crate) fn print(context: &Context, list: &InviteList) -> Result<(), Failure> {
    context.printer.either(list, || {
        let rows = list.invites.iter().map(|invite| {
            let limit = if invite.max_uses < 0 { "∞".to_owned() } else { invite.max_uses.to_string() };
            [
                invite.invite_id.to_string(),
                gives(invite),
                format!("{} of {limit}", invite.used_count),
                state(invite).to_owned(),
                invite.created_by.to_string(),
                invite.expires_at.to_string(),
            ]
        });
        context.printer.table(["INVITE", "GIVES", "USED", "STATE", "MADE BY", "ENDS (UTC)"], rows)
    })?;
    if list.invites.is_empty() && !context.printer.json {
        context.printer.note("no invites")?;
    }
    Ok(())
}

/// Which ranks it gives, and where.
fn gives(invite: &Invite) -> String {
    let on_hub = invite.system_role.map(|role| format!("{} of the hub", role.as_str()));
    let in_network = invite
        .network_id
        .as_ref()
        .map(|network| format!("{} of {network}", invite.role.map_or("member", |role| role.as_str())));
    on_hub.into_iter().chain(in_network).collect::<Vec<_>>().join(", ")
}

fn state(invite: &Invite) -> &'static str {
    match (invite.is_open, invite.revoked_at) {
        (true, _) => "open",
        (false, Some(_)) => "revoked",
        (false, None) => "over",
    }
}
