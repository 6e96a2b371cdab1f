use anet_protocol::rest::RegisterRequest;
use secrecy::{ExposeSecret as _, SecretString};
use std::process::ExitCode;

use super::login::remember;
use crate::context::Context;
use crate::failure::Outcome;
use crate::prompt;

/// Create an account at a hub and log in; the password is asked for, or read from stdin
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// User name: 2 to 50 letters, digits, `_` or `-`; asked for when absent
    #[arg(long, visible_alias = "user", value_name = "NAME")]
    username: Option<String>,
    /// Password, at least 8 characters; other users of this machine see it while the command runs
    #[arg(long, visible_alias = "pass")]
    password: Option<SecretString>,
    /// Mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.anonymous_hub()?;
    let username = arguments.username.map_or_else(|| prompt::line("User name"), Ok)?;
    let password = arguments.password.map_or_else(|| prompt::secret("Password"), Ok)?;
    let request = RegisterRequest {
        username,
        password: password.expose_secret().to_owned(),
        email: arguments.email,
        display_name: None,
        invite_code: None,
        setup_code: None,
        allow_weak: false,
    };
    let registered = hub.register(&request).await?;
    let me = remember(context, &hub, &registered.token.into()).await?;
    context.printer.note(&format!("registered and logged in as {} at {}", me.user.username, hub.url()))?;
    if context.printer.json {
        context.printer.document(&me)?;
    }
    Ok(ExitCode::SUCCESS)
}
