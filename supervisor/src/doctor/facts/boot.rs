//! Whether the system brings the supervisor back: systemd's user units, system units and lingering.

use std::path::{Path, PathBuf};

use super::super::patient::Patient;
use crate::environment::lookup;

/// The units' names, in the user's or in the system's directory: that of the supervisor, and that of a hub alone.
const UNITS: [&str; 2] = ["anet.service", "anet-hub.service"];

/// What is known of the service manager.
#[derive(Debug)]
pub(in crate::doctor) struct BootFacts {
    /// Whether systemd runs this machine (sd_booted(3)).
    pub(in crate::doctor) has_systemd: bool,
    /// The user's own unit, if there is one.
    pub(in crate::doctor) user_unit: Option<Unit>,
    /// The system's unit, if there is one.
    pub(in crate::doctor) system_unit: Option<Unit>,
    /// Whether the user's units run without a login (loginctl(1), enable-linger).
    pub(in crate::doctor) lingers: bool,
    pub(in crate::doctor) user: String,
}

/// A unit file.
#[derive(Debug)]
pub(in crate::doctor) struct Unit {
    pub(in crate::doctor) path: PathBuf,
    pub(in crate::doctor) text: String,
    /// Whether it is started at boot.
    pub(in crate::doctor) is_enabled: bool,
}

impl BootFacts {
    pub(in crate::doctor) fn look(patient: &Patient) -> Self {
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        let user = user.map_or_else(|| nix::unistd::geteuid().to_string(), |user| user.name);
        let configuration = lookup(&patient.environment, "XDG_CONFIG_HOME").map(PathBuf::from);
        let configuration = configuration.or_else(|| Some(patient.user_home.as_ref()?.join(".config")));
        let of_user = configuration.map(|directory| directory.join("systemd/user"));
        Self {
            has_systemd: PathBuf::from("/run/systemd/system").is_dir(),
            user_unit: of_user.and_then(|directory| read(&directory, "default.target.wants")),
            system_unit: read(Path::new("/etc/systemd/system"), "multi-user.target.wants"),
            lingers: PathBuf::from("/var/lib/systemd/linger").join(&user).exists(),
            user,
        }
    }
}

fn read(directory: &Path, target: &str) -> Option<Unit> {
    UNITS.into_iter().find_map(|unit| {
        let path = directory.join(unit);
        let text = std::fs::read_to_string(&path).ok()?;
        let is_enabled = directory.join(target).join(unit).symlink_metadata().is_ok();
        Some(Unit { path, text, is_enabled })
    })
}
