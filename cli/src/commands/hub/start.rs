use std::net::{IpAddr, SocketAddr};

use anet_protocol::Entropy as _;
use anet_protocol::control::{HubChanged, StartHub};
use anet_protocol::rest::{Me, RegisterRequest};
use anet_protocol::role::SystemRole;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use std::process::ExitCode;

use crate::admin_file::AdminFile;
use crate::commands::login;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemEntropy;

/// Start the hub, and the supervisor if need be; returns when the hub answers
///
/// The first start creates the administrator, prints its password once and logs it in.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    address: Address,
    /// Name of the administrator that the first start creates
    #[arg(long, default_value = "admin", value_name = "NAME")]
    username: String,
    /// Password of the administrator [default: a random one]; other users of this machine see it
    #[arg(long)]
    password: Option<SecretString>,
}

/// Where the hub listens.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Address {
    /// Address to listen on
    #[arg(long, visible_alias = "ip", env = "HOST", hide_env_values = true, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0 asks for a free one
    #[arg(long, env = "PORT", hide_env_values = true, default_value_t = 9200)]
    port: u16,
}

impl Address {
    pub(crate) fn socket_address(self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// What `anet hub start --json` prints.
#[derive(Debug, Serialize)]
struct Started {
    url: String,
    changed: bool,
    pid: Option<u32>,
    /// Present when this start created the administrator; the password is shown this once.
    admin: Option<NewAdmin>,
}

/// A freshly created administrator.
#[derive(Debug, Serialize)]
pub(crate) struct NewAdmin {
    username: String,
    password: String,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let listen = arguments.address.socket_address();
    let (hub, outcome) = start(context, listen).await?;
    if !listen.ip().is_loopback() {
        let text =
            format!("{listen} is reached from other machines, in clear text, and whoever reaches it can register");
        context.printer.warning(&text)?;
        context.printer.hint("put a TLS proxy in front of it, or listen on 127.0.0.1")?;
    }
    let pid = outcome.hub.pid;
    let condition = if outcome.changed { "is running" } else { "was already running" };
    context.printer.note(&format!("the hub {condition} at {} (pid {})", hub.url(), pid.unwrap_or_default()))?;
    let admin = bootstrap(context, &hub, &arguments.username, arguments.password).await?;
    let started = Started { url: hub.url().to_owned(), changed: outcome.changed, pid, admin };
    context.printer.either(&started, || {
        started.admin.as_ref().map_or_else(String::new, |admin| {
            format!("Administrator: {}\nPassword:      {}   (shown this once)", admin.username, admin.password)
        })
    })?;
    if started.admin.is_some() && !context.printer.json {
        context.printer.hint("next: `anet node create NAME --runtime command -- ./program`")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Has the supervisor start the hub, and makes it the hub that all commands talk to.
pub(crate) async fn start(context: &Context, listen: SocketAddr) -> Result<(HubClient, HubChanged), Failure> {
    let environment = &context.environment;
    let supervisor = SupervisorClient::ensure(environment).await?;
    let request = StartHub { listen, database: environment.database.clone() };
    let outcome = supervisor.start_hub(&request).await?;
    let url = outcome.hub.url.clone().unwrap_or_else(|| format!("http://{listen}"));
    let hub = HubClient::new(&url, None)?;
    hub.health().await?;
    let server = environment.server_directory();
    files::create_private_directory(&server)?;
    let port = reqwest::Url::parse(&url)?.port_or_known_default();
    let config = serde_json::json!({ "port": port, "host": listen.ip() });
    files::write_private(&server.join("config.json"), &format!("{config:#}\n"))?;
    let mut config = GlobalConfig::load(environment)?;
    if config.hub() != Some(hub.url()) {
        config.set_hub(hub.url());
        config.save()?;
    }
    Ok((hub, outcome))
}

/// Creates the first administrator unless there is one, and logs it in on this machine.
pub(crate) async fn bootstrap(
    context: &Context,
    hub: &HubClient,
    username: &str,
    password: Option<SecretString>,
) -> Result<Option<NewAdmin>, Failure> {
    let path = context.environment.server_directory().join("admin-utok.json");
    if files::read_optional(&path)?.is_some() {
        return Ok(None);
    }
    let password = password.unwrap_or_else(random_password);
    let request = RegisterRequest {
        username: username.to_owned(),
        password: password.expose_secret().to_owned(),
        email: None,
        display_name: None,
        invite_code: None,
        setup_code: None,
        allow_weak: false,
    };
    let registered = match hub.register(&request).await {
        Ok(registered) => registered,
        Err(failure) if failure.code.as_deref() == Some("username_taken") => {
            context.printer.note(&format!("the account {username} already exists"))?;
            context.printer.hint(&format!("log in with `anet login --username {username}`"))?;
            return Ok(None);
        }
        Err(failure) => return Err(failure.context("cannot create the administrator")),
    };
    if registered.user.role != SystemRole::Admin {
        context
            .printer
            .warning(&format!("{username} is not the first account of this hub, so it is no administrator"))?;
    }
    let token = SecretString::from(registered.token);
    let me: Me = login::remember(context, hub, &token).await?;
    let file = AdminFile {
        username: username.to_owned(),
        user_id: me.user.user_id.to_string(),
        token: token.expose_secret().to_owned(),
        created_at: anet_protocol::Clock::now(&crate::system::SystemClock).to_string(),
    };
    files::write_private(&path, &format!("{}\n", serde_json::to_string_pretty(&file)?))?;
    Ok(Some(NewAdmin { username: username.to_owned(), password: password.expose_secret().to_owned() }))
}

/// `anet-` and 24 characters of 32 choices each: 120 bits, without letters that look alike.
fn random_password() -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 24];
    SystemEntropy.fill(&mut bytes);
    let characters = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    SecretString::from(format!("anet-{}", characters.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_passwords_are_alike() {
        let (one, other) = (random_password(), random_password());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 29);
    }
}
