use std::process::ExitCode;

use serde::Serialize;

use super::Scope;
use super::install::user_name;
use super::system_tool::{ask, lingers};
use super::unit::{HUB, SUPERVISOR};
use crate::context::Context;
use crate::failure::Outcome;

/// What is known of one unit.
#[derive(Debug, Serialize)]
struct UnitStatus {
    unit: String,
    installed: bool,
    /// The service manager's words; absent where it cannot be asked.
    enabled: Option<String>,
    active: Option<String>,
}

/// What is known of the service.
#[derive(Debug, Serialize)]
struct ServiceStatus {
    directory: String,
    units: Vec<UnitStatus>,
    /// Whether a user's services go on after logout; absent for the machine's, and where nobody knows.
    linger: Option<bool>,
}

pub(super) fn run(context: &Context, scope: Scope) -> Outcome {
    let directory = scope.directory(context)?;
    let units = [format!("{SUPERVISOR}.service"), format!("{SUPERVISOR}.socket"), format!("{HUB}.service")];
    let units = units.map(|unit| {
        let installed = directory.join(&unit).symlink_metadata().is_ok();
        let asked = |verb: &str| installed.then(|| ask("systemctl", &[scope.flag(), verb, &unit])).flatten();
        UnitStatus { installed, enabled: asked("is-enabled"), active: asked("is-active"), unit }
    });
    let linger = if scope.system { None } else { lingers(&user_name()?) };
    let is_installed = units.iter().any(|unit| unit.installed);
    let status = ServiceStatus { directory: directory.display().to_string(), units: units.into(), linger };
    context.printer.either(&status, || {
        let word = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "-".to_owned());
        let rows = status.units.iter().map(|unit| {
            let installed = if unit.installed { "yes" } else { "no" };
            [unit.unit.clone(), installed.to_owned(), word(&unit.enabled), word(&unit.active)]
        });
        context.printer.table(["UNIT", "INSTALLED", "ENABLED", "ACTIVE"], rows)
    })?;
    if is_installed && status.linger == Some(false) {
        context.printer.warning("your services end when you log out, and do not start at boot")?;
        context.printer.hint("loginctl enable-linger")?;
    }
    Ok(if is_installed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
