mod directories;
mod install;
mod launchd;
mod status;
mod system_tool;
mod uninstall;
mod unit;
mod unit_files;

use std::path::PathBuf;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::{Failure, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let systemd (on macOS: launchd) start the supervisor at boot and keep it alive
    ///
    /// What runs is taken over. What was stopped on purpose stays stopped, also after a reboot.
    Install(install::Arguments),
    /// Undo `service install`; the hub and the nodes are stopped with it
    Uninstall(Scope),
    /// Show whether the service is installed, current, running, and survives logout and reboot
    Status(Scope),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Install(arguments) => install::run(context, &arguments).await,
            Self::Uninstall(scope) => uninstall::run(context, scope),
            Self::Status(scope) => status::run(context, scope),
        }
    }
}

/// Whose service manager.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Scope {
    /// Of this user, which is the default
    #[arg(long, conflicts_with = "system")]
    user: bool,
    /// Of the machine; needs root
    #[arg(long)]
    system: bool,
}

impl Scope {
    /// Where the unit files of this scope are: systemd.unit(5), "Unit File Load Path".
    fn directory(self, context: &Context) -> Result<PathBuf, Failure> {
        if self.system {
            return Ok(PathBuf::from("/etc/systemd/system"));
        }
        let of = |name: &str| context.environment.all.iter().find(|(key, value)| key == name && !value.is_empty());
        let path = |name: &str| of(name).map(|(_, value)| PathBuf::from(value));
        let configuration = path("XDG_CONFIG_HOME").or_else(|| path("HOME").map(|home| home.join(".config")));
        configuration
            .map(|directory| directory.join("systemd/user"))
            .ok_or_else(|| Failure::message("neither XDG_CONFIG_HOME nor HOME is set"))
    }

    /// What tells `systemctl` which service manager is meant.
    fn flag(self) -> &'static str {
        if self.system { "--system" } else { "--user" }
    }
}
