use anet_protocol::rest::CreateRecoveryKey;
use clap::Subcommand;
use secrecy::ExposeSecret as _;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::prompt;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a recovery key, which sets a new password when the old one is forgotten; a former key is void
    ///
    /// The password of now is asked for, or read from stdin.
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
    let hub = context.hub()?;
    // A stolen login alone must not become a way to keep the account.
    let password = prompt::secret("Password")?;
    let request = CreateRecoveryKey { password: password.expose_secret().to_owned() };
    let key = hub.create_recovery_key(&request).await?;
    context.printer.either(&key, || key.recovery_key.clone())?;
    context.printer.note("shown this once, and it works once; a former key is void")?;
    context
        .printer
        .hint("keep it where this machine's files are not, and use it with `anet recover --username NAME`")?;
    Ok(ExitCode::SUCCESS)
}
