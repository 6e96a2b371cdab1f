mod ls;
mod set;
mod unset;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the variables of a node, where each has its value from, and never a value
    #[command(visible_alias = "list")]
    Ls(ls::Arguments),
    /// Give a secret to a node; the value is asked for, or read from stdin
    ///
    /// The value goes into the node's .env (mode 600), and config.json refers to it.
    Set(set::Arguments),
    /// Take a variable away from a node
    Unset(unset::Arguments),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Ls(arguments) => ls::run(context, &arguments).await,
            Self::Set(arguments) => set::run(context, &arguments).await,
            Self::Unset(arguments) => unset::run(context, &arguments).await,
        }
    }
}
