//! A hub that others can reach does not start while strangers could walk in.

use anet_protocol::role::SystemRole;

use crate::error::HubError;
use crate::hub::Hub;
use crate::settings::{Access, Settings};

fn exposed(reason: impl Into<String>, hint: &'static str) -> HubError {
    HubError::Exposed { reason: reason.into(), hint }
}

/// What the settings alone tell.
pub(crate) fn check_settings(settings: &Settings) -> Result<(), HubError> {
    let access = settings.access;
    if access == Access::Login {
        return Ok(());
    }
    if !settings.is_loopback {
        return Err(exposed(
            format!("`{}` lets everybody in who reaches the hub", access.as_str()),
            "listen on 127.0.0.1, or have people log in",
        ));
    }
    tracing::warn!(mode = access.as_str(), "nobody on this machine is asked to log in");
    Ok(())
}

/// What the accounts tell.
pub(crate) async fn check_accounts(hub: &Hub) -> Result<(), HubError> {
    if hub.settings().is_loopback {
        return Ok(());
    }
    let users = hub.read().await?.users().await?;
    let unchanged =
        users.iter().find(|stored| stored.user.role == SystemRole::Admin && stored.user.must_change_password);
    match unchanged {
        None => Ok(()),
        Some(stored) => Err(exposed(
            format!(
                "the password of the administrator {} was not chosen by a person, or is weak",
                stored.user.username
            ),
            "start the hub on 127.0.0.1, and choose a password with `anet passwd`",
        )),
    }
}
