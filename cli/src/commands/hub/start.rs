pub(crate) mod administrator;
mod password;
mod settings;

use std::net::SocketAddr;
use std::process::ExitCode;

use anet_protocol::control::{HubChanged, HubVariables, StartHub};
use anet_protocol::rest::RegistrationPolicy;
use anet_protocol::user_name::validate_user_name;
use secrecy::SecretString;
use serde::Serialize;

use self::administrator::NewAdmin;
use super::address::{self, Address};
use crate::context::{Context, DEFAULT_HUB};
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::private_files;
use crate::supervisor_client::SupervisorClient;

/// Start the hub, and the supervisor if need be; returns when the hub answers
///
/// The first start creates the administrator and logs it in; a random password is printed once. The settings of the hub
/// (see .env.example) are taken from the environment and kept over restarts. --token is upstream's master token, which
/// is deprecated and only reads.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    address: Address,
    /// Name of the administrator that the first start creates
    #[arg(long, default_value = "admin", value_name = "NAME")]
    username: String,
    /// Password of the administrator [default: a random one]; `-` reads it from stdin, where other users of this
    /// machine do not see it
    #[arg(long)]
    password: Option<SecretString>,
    /// Ask nobody on this machine to log in: all are one user; the same as ANET_AUTH=off
    #[arg(long)]
    no_login: bool,
    /// Let everybody on this machine in without login, for development; the same as COMMHUB_DEV_OPEN=on
    #[arg(long, conflicts_with = "no_login")]
    dev_open: bool,
    /// Who may make an account: open, invite or closed; the same as ANET_REGISTRATION
    #[arg(long, value_name = "POLICY", value_parser = parse_registration)]
    registration: Option<RegistrationPolicy>,
}

fn parse_registration(word: &str) -> Result<RegistrationPolicy, String> {
    RegistrationPolicy::parse(word).ok_or_else(|| "use open, invite or closed".to_owned())
}

/// What `anet hub start --json` prints.
#[derive(Debug, Serialize)]
struct Started {
    url: String,
    changed: bool,
    pid: Option<u32>,
    /// Present when this start created the administrator; a random password is shown this once.
    admin: Option<NewAdmin>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let listen = arguments.address.choose(&context.environment)?;
    // Before anything starts: a hub without an account would be the next caller's.
    validate_user_name(&arguments.username)
        .map_err(|error| Failure::usage(format!("--username: {error}")).hint(error.hint()))?;
    let variables = settings::collect(context, &arguments)?;
    private_files::secure_home(context)?;
    let password = password::choose(context, listen, &arguments.username, arguments.password).await?;
    let (hub, outcome) = start(context, listen, variables).await?;
    if !listen.ip().is_loopback() {
        // The port that was asked for may have been any.
        let port = hub_url::parse(hub.url())?.port_or_known_default().unwrap_or(listen.port());
        let reached = SocketAddr::new(listen.ip(), port);
        context.printer.warning(&format!("{reached} is reached from other machines, in clear text"))?;
        context.printer.hint("put a TLS proxy in front of it, or listen on 127.0.0.1")?;
    }
    let pid = outcome.hub.pid;
    let condition = if outcome.changed { "is running" } else { "was already running" };
    context.printer.note(&format!("the hub {condition} at {} (pid {})", hub.url(), pid.unwrap_or_default()))?;
    let admin = administrator::ensure(context, &hub, &arguments.username, password).await?;
    let started = Started { url: hub.url().to_owned(), changed: outcome.changed, pid, admin };
    context.printer.either(&started, || started.admin.as_ref().map_or_else(String::new, NewAdmin::text))?;
    if let Some(admin) = &started.admin
        && !context.printer.json
    {
        if admin.is_random() {
            context.printer.hint("choose a password of your own with `anet passwd`")?;
        }
        context.printer.hint("next: `anet node create NAME --runtime command -- ./program`")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Has the supervisor start the hub, and makes it the hub that all commands talk to.
pub(crate) async fn start(
    context: &Context,
    listen: SocketAddr,
    variables: HubVariables,
) -> Result<(HubClient, HubChanged), Failure> {
    let environment = &context.environment;
    let supervisor = SupervisorClient::ensure(environment).await?;
    let request = StartHub { listen, database: environment.database.clone(), variables };
    let outcome = supervisor.start_hub(&request).await?;
    let url = outcome.hub.url.clone().unwrap_or_else(|| format!("http://{listen}"));
    let hub = HubClient::new(&url, None)?;
    hub.health().await?;
    // The port that was asked for may have been any.
    let port = hub_url::parse(&url)?.port_or_known_default().unwrap_or(listen.port());
    address::remember(environment, SocketAddr::new(listen.ip(), port))?;
    choose_hub(context, &hub)?;
    Ok((hub, outcome))
}

/// Commands talk to this hub from now on, unless somebody is logged in at another: a token is for the hub that gave it.
fn choose_hub(context: &Context, hub: &HubClient) -> Result<(), Failure> {
    let mut config = GlobalConfig::load_to_change(&context.environment)?;
    let known = config.hub().unwrap_or(DEFAULT_HUB).to_owned();
    let is_shared = hub_url::may_share_token(&hub_url::parse(&known)?, &hub_url::parse(hub.url())?);
    if config.token().is_some() && !is_shared {
        context.printer.note(&format!("commands talk to {known} as before, where somebody is logged in"))?;
        context.printer.hint(&format!("have them talk to this hub with `anet init --hub {}`", hub.url()))?;
        return Ok(());
    }
    if config.hub() != Some(hub.url()) {
        config.set_hub(hub.url());
        config.save()?;
    }
    Ok(())
}
