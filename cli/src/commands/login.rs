use anet_protocol::rest::{LoginRequest, Me};
use secrecy::{ExposeSecret as _, SecretString};
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::prompt;

/// Log in at a hub; the password is asked for, or read from stdin
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// User name; asked for when absent
    #[arg(long, visible_alias = "user", value_name = "NAME")]
    username: Option<String>,
    /// Password; other users of this machine see it while the command runs
    #[arg(long, visible_alias = "pass")]
    password: Option<SecretString>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.anonymous_hub()?;
    let token = if let Some(token) = &context.token_flag {
        token.clone()
    } else {
        let username = arguments.username.map_or_else(|| prompt::line("User name"), Ok)?;
        let password = arguments.password.map_or_else(|| prompt::secret("Password"), Ok)?;
        let request = LoginRequest { username, password: password.expose_secret().to_owned(), client_label: None };
        hub.login(&request).await?.token.into()
    };
    let me = remember(context, &hub, &token).await?;
    context.printer.note(&format!("logged in as {} at {}", me.user.username, hub.url()))?;
    if context.printer.json {
        context.printer.document(&me)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks a person's token with the hub and saves it, with the hub and the first network.
pub(super) async fn remember(
    context: &Context,
    hub: &HubClient,
    token: &SecretString,
) -> Result<Me, crate::failure::Failure> {
    let me = hub.with_token(token.clone()).me().await?;
    let mut config = GlobalConfig::load(&context.environment)?;
    config.clear_login();
    config.set_hub(hub.url());
    config.set_login(&me.user, token)?;
    if let Some(network) = me.networks.first() {
        config.set_network(network);
    }
    config.save()?;
    Ok(me)
}
