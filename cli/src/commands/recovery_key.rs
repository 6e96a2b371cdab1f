use clap::Subcommand;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a recovery key, which sets a new password when the old one is forgotten; a former key is void
    Create,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Create => create(context).await,
        }
    }
}

async fn create(context: &Context) -> Outcome {
    let key = context.hub()?.create_recovery_key().await?;
    context.printer.either(&key, || key.recovery_key.clone())?;
    context.printer.note("shown this once, and it works once; a former key is void")?;
    context
        .printer
        .hint("keep it where this machine's files are not, and use it with `anet recover --username NAME`")?;
    Ok(ExitCode::SUCCESS)
}
