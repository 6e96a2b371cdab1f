//! Where a hub listens, and the port of its last start, to which it comes back.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::files;

/// Where a hub listens unless told otherwise (commhub-http §0).
const FIRST_PORT: u16 = 9200;

/// Where the hub listens.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Address {
    /// Address to listen on
    #[arg(long, visible_alias = "ip", env = "HOST", hide_env_values = true, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0 asks for a free one [default: that of the last `anet hub start`, at first 9200]
    #[arg(long, env = "PORT", hide_env_values = true)]
    port: Option<u16>,
}

impl Address {
    pub(crate) const fn ip(self) -> IpAddr {
        self.host
    }

    /// As asked for; the port else is the one of the last start. The address is not remembered: letting other machines
    /// in is decided each time.
    ///
    /// # Errors
    /// When the file that remembers the port is broken, or somebody else's.
    pub(crate) fn choose(self, environment: &Environment) -> Result<SocketAddr, Failure> {
        let port = match self.port {
            Some(port) => port,
            None => remembered_port(environment)?.unwrap_or(FIRST_PORT),
        };
        Ok(SocketAddr::new(self.host, port))
    }
}

/// The file of the older tools that names where the hub of this machine listens.
fn file(environment: &Environment) -> PathBuf {
    environment.server_directory().join("config.json")
}

fn remembered_port(environment: &Environment) -> Result<Option<u16>, Failure> {
    let path = file(environment);
    let another = |failure: Failure| failure.hint("name the port with `--port`, and the file is written anew");
    let Some(text) = files::read_own(&path).map_err(|error| another(Failure::failed(error)))? else { return Ok(None) };
    let document: Value = serde_json::from_str(&text)
        .map_err(|error| another(Failure::message(format!("{} is not JSON: {error}", path.display()))))?;
    let Some(port) = document.get("port") else { return Ok(None) };
    let number = port.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
    let Some(number) = number else {
        return Err(another(Failure::message(format!("{}: `port` is {port}, which is no port", path.display()))));
    };
    Ok(Some(number))
}

/// Writes down where the hub listens, for its next start.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn remember(environment: &Environment, listen: SocketAddr) -> Result<(), Failure> {
    files::create_private_directory(&environment.server_directory())?;
    let config = json!({ "port": listen.port(), "host": listen.ip() });
    Ok(files::write_private(&file(environment), &format!("{config:#}\n"))?)
}
