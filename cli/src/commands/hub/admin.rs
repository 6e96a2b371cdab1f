mod role;
mod unlock;

use anet_protocol::role::SystemRole;
use clap::Subcommand;

use super::users;
use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the accounts of the hub
    Users,
    /// Make an account an administrator of the hub, or an ordinary user again
    Role(role::Arguments),
    /// Let an account log in again at once after too many wrong passwords
    Unlock(unlock::Arguments),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Users => users::run(context).await,
            Self::Role(arguments) => role::run(context, &arguments).await,
            Self::Unlock(arguments) => unlock::run(context, &arguments).await,
        }
    }
}

pub(super) fn parse_role(word: &str) -> Result<SystemRole, String> {
    SystemRole::parse(word).ok_or_else(|| "use admin or user".to_owned())
}
