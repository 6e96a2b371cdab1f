mod reset_user;
mod role;
mod unlock;
mod unlock_user;

use std::path::PathBuf;

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
    /// Give an account a new password, on the hub's host, whether the hub runs or not
    ResetUser(reset_user::Arguments),
    /// Let an account log in again at once, on the hub's host, whether the hub runs or not
    UnlockUser(unlock_user::Arguments),
}

/// An account in the database of this host's hub.
#[derive(Debug, clap::Args)]
struct Account {
    /// The account, by user name
    #[arg(required_unless_present = "username")]
    name: Option<String>,
    /// The same
    #[arg(long, visible_alias = "user", value_name = "NAME", conflicts_with = "name")]
    username: Option<String>,
    /// Database file [default: COMMHUB_DB, then ~/.commhub/commhub.db]
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

impl Account {
    fn name(&self) -> &str {
        self.name.as_deref().or(self.username.as_deref()).unwrap_or_default()
    }

    fn database(&self, context: &Context) -> PathBuf {
        let environment = &context.environment;
        self.database.as_ref().map_or_else(|| environment.database.clone(), |file| environment.directory.join(file))
    }
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Users => users::run(context).await,
            Self::Role(arguments) => role::run(context, &arguments).await,
            Self::Unlock(arguments) => unlock::run(context, &arguments).await,
            Self::ResetUser(arguments) => reset_user::run(context, &arguments).await,
            Self::UnlockUser(arguments) => unlock_user::run(context, &arguments).await,
        }
    }
}

pub(super) fn parse_role(word: &str) -> Result<SystemRole, String> {
    SystemRole::parse(word).ok_or_else(|| "use admin or user".to_owned())
}
