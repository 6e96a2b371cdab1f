use anet_protocol::rest::{ErrorCode, LoginRequest, Me, Network};
use secrecy::{ExposeSecret as _, SecretString};
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::network_choice;
use crate::private_files;
use crate::prompt;
use crate::system;

/// Log in at a hub; the password is asked for, or read from stdin
///
/// With --token the token is checked and saved instead. A failed login leaves the one before as it was.
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
    private_files::secure_home(context)?;
    let hub = context.anonymous_hub()?;
    context.warn_of_clear_text(hub.url())?;
    let token = if context.token_flag.is_some() {
        context.token()?
    } else {
        let username = arguments.username.map_or_else(|| prompt::line("User name"), Ok)?;
        let password = arguments.password.map_or_else(|| prompt::secret("Password"), Ok)?;
        let request =
            LoginRequest { username, password: password.expose_secret().to_owned(), client_label: system::host_name() };
        let logged_in =
            hub.login(&request).await.map_err(|failure| advise(context, &hub, &request.username, failure))?;
        logged_in.token.into()
    };
    let me = hub.with_token(token.clone()).me().await?;
    let network = choose_network(context, &me.networks)?;
    save(context, &hub, &token, &me, network)?;
    announce(context, &hub, &me, "logged in")
}

/// What helps whoever does not know the password any more.
fn advise(context: &Context, hub: &HubClient, name: &str, failure: Failure) -> Failure {
    if !failure.is_refusal(ErrorCode::InvalidCredentials) {
        return failure;
    }
    let failure = failure
        .hint(format!("a recovery key sets a new password: `anet recover --username {name}`"))
        .hint("without an account here, make one with `anet register`");
    let is_here = hub_url::parse(hub.url()).is_ok_and(|url| hub_url::is_loopback(&url));
    if is_here && context.environment.database.exists() {
        return failure.hint(format!("on the hub's host: `anet hub admin reset-user {name}` makes a new password"));
    }
    failure
}

/// Checks a person's token with the hub and saves it, with the hub and the first network.
pub(super) async fn remember(context: &Context, hub: &HubClient, token: &SecretString) -> Result<Me, Failure> {
    let me = hub.with_token(token.clone()).me().await?;
    save(context, hub, token, &me, me.networks.first())?;
    Ok(me)
}

/// Says who is logged in now, and what is to be done about it.
pub(super) fn announce(context: &Context, hub: &HubClient, me: &Me, what: &str) -> Outcome {
    let printer = context.printer;
    printer.note(&format!("{what} as {} at {}", me.user.username, hub.url()))?;
    if me.user.must_change_password {
        printer.warning("the password was made for you, or is weak; choose your own with `anet passwd`")?;
    }
    if printer.json {
        printer.document(me)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn save(
    context: &Context,
    hub: &HubClient,
    token: &SecretString,
    me: &Me,
    network: Option<&Network>,
) -> Result<(), Failure> {
    let mut config = GlobalConfig::load_to_change(&context.environment)?;
    config.clear_login();
    config.set_hub(hub.url());
    config.set_login(&me.user, token)?;
    if let Some(network) = network {
        config.set_network(&network.network_id, &network.network_name);
    }
    Ok(config.save()?)
}

/// The network to act in from now on: the one named, the one picked by a person, or the first.
fn choose_network<'a>(context: &Context, networks: &'a [Network]) -> Result<Option<&'a Network>, Failure> {
    if let Some(reference) = &context.network_flag {
        return Ok(Some(network_choice::find(networks, reference)?));
    }
    if networks.len() < 2 || context.printer.json || !prompt::is_possible() {
        return Ok(networks.first());
    }
    for (index, network) in networks.iter().enumerate() {
        let role = network.member_role.map_or("not a member", |role| role.as_str());
        context.printer.note(&format!("  {}  {} ({}, {role})", index + 1, network.network_name, network.network_id))?;
    }
    loop {
        match network_choice::pick(networks, &prompt::line("Network to act in [1]")?) {
            Ok(network) => return Ok(Some(network)),
            Err(failure) => context.printer.failure(&failure)?,
        }
    }
}
