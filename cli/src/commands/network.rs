mod add;
mod create;
mod delete;
mod info;
mod invite;
pub(super) mod invites;
mod join;
mod leave;
mod ls;
mod members;
mod remove;
mod rename;
mod role;
mod transfer;
mod r#use;

use anet_protocol::id::NetworkId;
use anet_protocol::rest::Network;
use anet_protocol::role::NetworkRole;
use clap::Subcommand;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::network_choice;

/// Create, choose and share networks of agents
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List your networks; the same as `anet network`
    #[command(visible_alias = "list")]
    Ls,
    /// Create a network that you own
    Create(create::Arguments),
    /// Choose the network that commands act in from now on
    Use(r#use::Arguments),
    /// Show a network and what it holds
    Info(info::Arguments),
    /// Give a network another name
    Rename(rename::Arguments),
    /// Delete a network with everything in it
    Delete(delete::Arguments),
    /// Make an invite to the network; its code is shown once
    Invite(invite::Arguments),
    /// List the invites to the network, or revoke one
    Invites(invites::Arguments),
    /// Join a network by an invite, and act in it from now on
    Join(join::Arguments),
    /// List the people in the network
    Members,
    /// Make a person a member
    Add(add::Arguments),
    /// Give a member another role
    Role(role::Arguments),
    /// Take a member out of the network
    Remove(remove::Arguments),
    /// Take yourself out of a network
    Leave(leave::Arguments),
    /// Give the network to another member; you become an admin of it
    Transfer(transfer::Arguments),
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    match arguments.command {
        None | Some(Command::Ls) => ls::run(context).await,
        Some(Command::Create(arguments)) => create::run(context, arguments).await,
        Some(Command::Use(arguments)) => r#use::run(context, &arguments).await,
        Some(Command::Info(arguments)) => info::run(context, &arguments).await,
        Some(Command::Rename(arguments)) => rename::run(context, arguments).await,
        Some(Command::Delete(arguments)) => delete::run(context, &arguments).await,
        Some(Command::Invite(arguments)) => invite::run(context, &arguments).await,
        Some(Command::Invites(arguments)) => invites::run(context, arguments).await,
        Some(Command::Join(arguments)) => join::run(context, arguments).await,
        Some(Command::Members) => members::run(context).await,
        Some(Command::Add(arguments)) => add::run(context, arguments).await,
        Some(Command::Role(arguments)) => role::run(context, &arguments).await,
        Some(Command::Remove(arguments)) => remove::run(context, &arguments).await,
        Some(Command::Leave(arguments)) => leave::run(context, &arguments).await,
        Some(Command::Transfer(arguments)) => transfer::run(context, &arguments).await,
    }
}

/// The network that is meant: the one named, the one chosen before, or the only one.
async fn meant(context: &Context, hub: &HubClient, reference: Option<&str>) -> Result<Network, Failure> {
    let networks = hub.networks().await?.networks;
    let reference = match reference {
        Some(reference) => Some(reference.to_owned()),
        None => context.network().await?.map(|id| id.to_string()),
    };
    match (reference, networks.as_slice()) {
        (Some(reference), networks) => match network_choice::find(networks, &reference) {
            Ok(network) => Ok(network.clone()),
            // The hub's administrators look into networks that they are not in.
            Err(_) if network_choice::is_id(&reference) => Ok(hub.network(&NetworkId::from(reference)).await?.network),
            Err(failure) => Err(failure),
        },
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Failure::message("you are in no network")
            .hint("create one with `anet network create NAME`, or join one with `anet network join CODE`")),
        (None, _) => Err(Failure::message("you are in several networks, and none is chosen")
            .hint("choose one with `anet network use NAME`, or name it with `--network NAME`")),
    }
}

/// Makes a network the one that commands act in.
fn choose(context: &Context, network_id: &NetworkId, network_name: &str) -> Result<(), Failure> {
    let mut config = GlobalConfig::load(&context.environment)?;
    config.set_network(network_id, network_name);
    config.save()?;
    context.printer.note(&format!("commands act in {network_name} ({network_id}) from now on"))?;
    if context.environment.network_id.as_ref().is_some_and(|id| id != network_id.as_str()) {
        context.printer.warning("ANET_NETWORK_ID is set to another network, and it wins")?;
    }
    Ok(())
}

/// Chooses another network where the one that is gone was chosen.
async fn leave_behind(context: &Context, hub: &HubClient, gone: &NetworkId) -> Result<(), Failure> {
    let mut config = GlobalConfig::load(&context.environment)?;
    if config.network_id().as_ref() != Some(gone) {
        return Ok(());
    }
    config.clear_network();
    config.save()?;
    match hub.networks().await?.networks.iter().find(|network| network.network_id != *gone) {
        Some(next) => choose(context, &next.network_id, &next.network_name),
        None => Ok(context.printer.note("you are in no other network")?),
    }
}

/// Reads a role that can be given; ownership is transferred instead.
pub(super) fn parse_role(word: &str) -> Result<NetworkRole, String> {
    match NetworkRole::parse(word) {
        Some(NetworkRole::Owner) => Err("a network has one owner; see `anet network transfer`".to_owned()),
        Some(role) => Ok(role),
        None => Err("use admin, member or viewer".to_owned()),
    }
}
