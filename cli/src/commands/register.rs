use anet_protocol::rest::RegisterRequest;
use secrecy::{ExposeSecret as _, SecretString};

use super::login::{announce, remember};
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
    /// Invite to the hub, where it asks for one
    #[arg(long, value_name = "CODE")]
    invite: Option<String>,
    /// What stands in the file `setup-code` beside the hub's database, where the first account asks for it
    #[arg(long, value_name = "CODE")]
    setup_code: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.anonymous_hub()?;
    context.warn_of_clear_text(hub.url())?;
    let username = arguments.username.map_or_else(|| prompt::line("User name"), Ok)?;
    let password = arguments.password.map_or_else(|| prompt::new_secret("Password"), Ok)?;
    let request = RegisterRequest {
        username,
        password: password.expose_secret().to_owned(),
        email: arguments.email,
        display_name: None,
        invite_code: arguments.invite,
        setup_code: arguments.setup_code,
        allow_weak: false,
        must_change: false,
    };
    let registered = hub.register(&request).await?;
    let me = remember(context, &hub, &registered.token.into()).await?;
    announce(context, &hub, &me, "registered and logged in")
}
