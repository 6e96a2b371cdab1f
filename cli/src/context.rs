//! What every command is given: the environment, the printer, and one resolver for hub and token.

use anet_protocol::id::NetworkId;
use anet_protocol::token;
use secrecy::{ExposeSecret as _, SecretString};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
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
    /// `--network`.
    pub network_flag: Option<NetworkId>,
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
    /// When there is none, or it cannot be one: a mistyped token is refused here, without asking the hub.
    pub(crate) fn token(&self) -> Result<SecretString, Failure> {
        let token = match self.token_flag.as_ref().or(self.environment.token.as_ref()) {
            Some(token) => Some(token.clone()),
            None => GlobalConfig::load(&self.environment)?.token(),
        };
        let token = token.ok_or_else(|| {
            Failure { code: Some("auth_required".to_owned()), ..Failure::message("nobody is logged in") }
                .hint("log in with `anet login`, or start a hub of your own with `anet hub start`")
        })?;
        token::parse(token.expose_secret())
            .map_err(|error| Failure::failed(error).hint("log in again with `anet login`"))?;
        Ok(token)
    }

    /// The network that is meant: flag, then environment, then `~/.anet/config.json`; `None` leaves it to the hub.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn network(&self) -> Result<Option<NetworkId>, Failure> {
        if let Some(network) = &self.network_flag {
            return Ok(Some(network.clone()));
        }
        if let Some(network) = &self.environment.network_id {
            return Ok(Some(NetworkId::from(network.as_str())));
        }
        Ok(GlobalConfig::load(&self.environment)?.network_id())
    }

    /// The hub, as the person who is logged in.
    ///
    /// # Errors
    /// When nobody is.
    pub(crate) fn hub(&self) -> Result<HubClient, Failure> {
        HubClient::new(&self.hub_url()?, Some(self.token()?))
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
