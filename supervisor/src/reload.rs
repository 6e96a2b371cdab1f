//! Reading the settings file again while everything runs on.

use std::sync::PoisonError;

use anet_protocol::control::{ControlErrorCode, Reloaded};

use crate::operator_socket;
use crate::process::Context;
use crate::refusal::Refusal;
use crate::settings_file::{Options, settings_file};

impl Context {
    /// Puts the settings file as it is now in force. A file with a fault changes nothing.
    ///
    /// # Errors
    /// [`ControlErrorCode::ConfigInvalid`] with line and column.
    pub(crate) fn reload(&self) -> Result<Reloaded, Refusal> {
        self.service_manager.reloading();
        let outcome = self.load_options();
        self.service_manager.ready(if outcome.is_ok() { "running" } else { "running with the settings from before" });
        if let Err(refusal) = &outcome {
            tracing::error!(error = refusal.0.error, "the settings file was not taken over");
        }
        outcome
    }

    fn load_options(&self) -> Result<Reloaded, Refusal> {
        let file = settings_file(&self.settings.home);
        let options = Options::load(&self.settings.home, &self.settings.policies).map_err(|error| {
            Refusal::new(ControlErrorCode::ConfigInvalid, error.to_string())
                .hint(format!("mend {}; the settings from before stay in force", file.display()))
        })?;
        let mut current = self.options.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *current != options;
        *current = options;
        self.reloaded.notify_one();
        Ok(Reloaded { changed, file, warnings: operator_socket::fault(&current.supervisor).into_iter().collect() })
    }
}
