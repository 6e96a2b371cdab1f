//! What every command is given: the environment, the printer, and one resolver for hub and token.

use anet_protocol::id::NetworkId;
use anet_protocol::token;
use secrecy::{ExposeSecret as _, SecretString};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::network_choice;
use crate::printer::Printer;

/// Where a hub listens unless told otherwise (commhub-http §0).
pub(crate) const DEFAULT_HUB: &str = "http://127.0.0.1:9200";

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// The environment.
    pub environment: Environment,
    /// The terminal.
    pub printer: Printer,
    /// `--hub`.
    pub hub_flag: Option<String>,
    /// `--token`.
    pub token_flag: Option<SecretString>,
    /// `--network`: a name or an id.
    pub network_flag: Option<String>,
}

impl Context {
    /// The hub's address: flag, then environment, then `~/.anet/config.json`, then the default.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn hub_url(&self) -> Result<String, Failure> {
        if let Some(url) = self.hub_flag.as_ref().or(self.environment.hub.as_ref()) {
            return Ok(url.clone());
        }
        let config = GlobalConfig::load(&self.environment)?;
        Ok(config.hub().unwrap_or(DEFAULT_HUB).to_owned())
    }

    /// The token: flag, then environment, then `~/.anet/config.json`.
    ///
    /// # Errors
    /// When there is none, it cannot be one, or it is saved for another hub: a mistyped token is refused here, without
    /// asking the hub.
    pub(crate) fn token(&self) -> Result<SecretString, Failure> {
        let token = match self.token_flag.as_ref().or(self.environment.token.as_ref()) {
            Some(token) => token.clone(),
            None => self.saved_token()?,
        };
        token::parse_access(token.expose_secret())
            .map_err(|error| Failure::failed(error).hint("log in again with `anet login`"))?;
        Ok(token)
    }

    fn saved_token(&self) -> Result<SecretString, Failure> {
        let config = GlobalConfig::load(&self.environment)?;
        let nobody = |text: String| Failure { code: Some("auth_required".to_owned()), ..Failure::message(text) };
        let token = config.token().ok_or_else(|| {
            nobody("nobody is logged in".to_owned())
                .hint("log in with `anet login`, or start a hub of your own with `anet hub start`")
        })?;
        let known = config.hub().unwrap_or(DEFAULT_HUB);
        let meant = self.hub_url()?;
        if hub_url::may_share_token(&hub_url::parse(known)?, &hub_url::parse(&meant)?) {
            return Ok(token);
        }
        Err(nobody(format!("nobody is logged in at {meant}; the saved login is for {known} and is not sent elsewhere"))
            .hint(format!("log in there with `anet login --hub {meant}`")))
    }

    /// The network that is meant: flag, then environment, then `~/.anet/config.json`; `None` leaves it to the hub.
    ///
    /// # Errors
    /// When the file cannot be read, or no network has the name of the flag.
    pub(crate) async fn network(&self) -> Result<Option<NetworkId>, Failure> {
        if let Some(network) = self.named_network().await? {
            return Ok(Some(network));
        }
        if let Some(network) = &self.environment.network_id {
            return Ok(Some(NetworkId::from(network.as_str())));
        }
        Ok(GlobalConfig::load(&self.environment)?.network_id())
    }

    /// The network of the flag alone, for what is bound to a network only if somebody says so.
    ///
    /// # Errors
    /// When no network has its name.
    pub(crate) async fn named_network(&self) -> Result<Option<NetworkId>, Failure> {
        match &self.network_flag {
            None => Ok(None),
            Some(id) if network_choice::is_id(id) => Ok(Some(NetworkId::from(id.as_str()))),
            Some(name) => {
                let networks = self.hub()?.networks().await?.networks;
                Ok(Some(network_choice::find(&networks, name)?.network_id.clone()))
            }
        }
    }

    /// Says so when passwords and tokens will travel to `url` readable by everybody on the way.
    ///
    /// # Errors
    /// When the address is none, or stderr is closed.
    pub(crate) fn warn_of_clear_text(&self, url: &str) -> Result<(), Failure> {
        if hub_url::is_clear_text(&hub_url::parse(url)?) {
            self.printer.warning(&format!("{url} is plain http: tokens travel in clear text"))?;
            self.printer.hint("put a TLS proxy in front of the hub and name it by its https address")?;
        }
        Ok(())
    }

    /// The hub, as the person who is logged in. A hub on this machine is asked without one: it may know whoever is here.
    ///
    /// # Errors
    /// When nobody is.
    pub(crate) fn hub(&self) -> Result<HubClient, Failure> {
        let url = self.hub_url()?;
        match self.token() {
            Ok(token) => HubClient::new(&url, Some(token)),
            Err(failure) if failure.is_nobody() && hub_url::is_loopback(&hub_url::parse(&url)?) => {
                HubClient::new(&url, None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The hub, as nobody.
    ///
    /// # Errors
    /// When its address is not one.
    pub(crate) fn anonymous_hub(&self) -> Result<HubClient, Failure> {
        HubClient::new(&self.hub_url()?, None)
    }

    /// The hub as seen from here: inside a task, the task's own socket, which needs no token.
    ///
    /// # Errors
    /// When outside a task nobody is logged in.
    pub(crate) fn hub_or_task(&self) -> Result<HubClient, Failure> {
        match &self.environment.task_socket {
            Some(socket) => HubClient::for_task(socket),
            None => self.hub(),
        }
    }

    /// Whether this process works inside a task.
    pub(crate) fn is_inside_task(&self) -> bool {
        self.environment.task_socket.is_some()
    }
}
