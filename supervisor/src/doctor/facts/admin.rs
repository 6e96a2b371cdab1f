//! `~/.anet/server/admin-utok.json`: the login with which this machine looks after its own hub.

use anet_protocol::token;
use secrecy::SecretString;

use super::JsonFile;
use super::hub::{HubFacts, Whoami, build_client, whoami};
use super::node::is_local;
use crate::doctor::patient::Patient;

/// The file, and what the hub says of its login.
#[derive(Debug)]
pub(in crate::doctor) struct AdminFacts {
    pub(in crate::doctor) file: JsonFile,
    /// Absent where it was not tried: the hub is elsewhere or silent.
    pub(in crate::doctor) answer: Option<Whoami>,
}

impl AdminFacts {
    pub(super) async fn ask(patient: &Patient, hub: Option<&HubFacts>) -> Self {
        let file = JsonFile::read(&patient.home.join("server/admin-utok.json"));
        let answer = match (file.text("token"), hub.filter(|hub| hub.healthy().is_some() && is_local(&hub.url))) {
            (Some(text), Some(hub)) if token::parse_access(text).is_ok() => match build_client() {
                Ok(client) => Some(whoami(&client, &hub.url, &SecretString::from(text)).await),
                Err(error) => Some(Whoami::Unclear(error)),
            },
            (Some(_), Some(_)) => Some(Whoami::Refused),
            _ => None,
        };
        Self { file, answer }
    }
}
