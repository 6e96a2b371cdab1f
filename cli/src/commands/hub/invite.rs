use anet_protocol::rest::CreateSystemInvite;
use anet_protocol::role::{NetworkRole, SystemRole};
use clap::Subcommand;
use std::process::ExitCode;

use super::admin::parse_role;
use crate::commands::network::invites::{Revocation, print, report_revoked};
use crate::commands::network::parse_role as parse_network_role;
use crate::context::Context;
use crate::failure::Outcome;

/// Invite people to the hub
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an invite, which works once; its code is shown once
    Create(Creation),
    /// List the invites to the hub; the same as `anet hub invite`
    #[command(visible_alias = "list")]
    Ls,
    /// Revoke an invite; who has registered with it stays
    Revoke(Revocation),
}

/// Make an invite, which works once; its code is shown once
///
/// With --network the new account is also a member of that network.
#[derive(Debug, clap::Args)]
struct Creation {
    /// The role it gives on the hub: user or admin
    #[arg(long, default_value = "user", value_parser = parse_role)]
    role: SystemRole,
    /// The role it gives in the network: admin, member or viewer
    #[arg(long, value_name = "ROLE", requires = "network", value_parser = parse_network_role)]
    network_role: Option<NetworkRole>,
    /// It works for so many days
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=365))]
    expires: u32,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    match arguments.command {
        Some(Command::Create(arguments)) => return create(context, &arguments).await,
        Some(Command::Revoke(Revocation { invite_id })) => {
            context.hub()?.revoke_system_invite(&invite_id).await?;
            report_revoked(context, &invite_id)?;
        }
        None | Some(Command::Ls) => print(context, &context.hub()?.system_invites().await?)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(context: &Context, arguments: &Creation) -> Outcome {
    let request = CreateSystemInvite {
        role: Some(arguments.role),
        network_id: context.named_network().await?,
        network_role: arguments.network_role,
        expires_days: Some(arguments.expires),
    };
    let hub = context.hub()?;
    let created = hub.create_system_invite(&request).await?;
    context.printer.either(&created, || created.invite_code.clone())?;
    let rank = request.network_role.unwrap_or(NetworkRole::Member).as_str();
    let network = request.network_id.map_or_else(String::new, |id| format!(" and {rank} of {id}"));
    let (role, end, id) = (arguments.role.as_str(), created.expires_at, &created.invite_id);
    context.printer.note(&format!("makes one {role} of the hub{network}, until {end} UTC; shown this once ({id})"))?;
    if !context.printer.json {
        context.printer.hint(&format!(
            "it is used with `anet register --hub {} --invite {}`",
            hub.url(),
            created.invite_code
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
