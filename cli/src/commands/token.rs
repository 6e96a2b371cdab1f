mod create;
mod ls;
mod revoke;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Outcome;

/// List, make and revoke API keys
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List your tokens, without the secrets; the same as `anet token`
    #[command(visible_alias = "list")]
    Ls,
    /// Make an API key; it is shown once
    Create(create::Arguments),
    /// Revoke a token at once
    Revoke(revoke::Arguments),
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    match arguments.command {
        None | Some(Command::Ls) => ls::run(context).await,
        Some(Command::Create(arguments)) => create::run(context, arguments).await,
        Some(Command::Revoke(arguments)) => revoke::run(context, &arguments).await,
    }
}
