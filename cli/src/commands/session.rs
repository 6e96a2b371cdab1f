mod ls;
mod revoke;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Outcome;

/// List and end your logins
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List your logins on all devices; the same as `anet session`
    #[command(visible_alias = "list")]
    Ls,
    /// End a login at once
    Revoke(revoke::Arguments),
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    match arguments.command {
        None | Some(Command::Ls) => ls::run(context).await,
        Some(Command::Revoke(arguments)) => revoke::run(context, &arguments).await,
    }
}
