mod address;
mod admin;
mod console;
mod invite;
mod registration;
pub(crate) mod run;
pub(crate) mod start;
mod status;
mod stop;
mod users;

use std::path::PathBuf;

use clap::Subcommand;

use super::node::logs;
use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the hub, and the supervisor if need be; returns when the hub answers
    Start(start::Arguments),
    /// Stop the hub; returns when it is gone
    Stop,
    /// Stop and start the hub; connections wait meanwhile instead of failing
    Restart,
    /// Show whether the hub runs, where, and who gets in
    Status,
    /// Show the hub's log
    Logs(logs::Reading),
    /// List the accounts of the hub
    Users,
    /// Show or say who may make an account at the hub
    Registration(registration::Arguments),
    /// Invite people to the hub
    Invite(invite::Arguments),
    /// Look after the accounts of the hub
    #[command(subcommand)]
    Admin(admin::Command),
    /// Be the hub, in the foreground; the supervisor and systemd use this
    Run(run::Arguments),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Start(arguments) => start::run(context, arguments).await,
            Self::Stop => stop::stop(context).await,
            Self::Restart => stop::restart(context).await,
            Self::Status => status::run(context).await,
            Self::Logs(reading) => logs::print(context, None, None::<PathBuf>, &reading).await,
            Self::Users => users::run(context).await,
            Self::Registration(arguments) => registration::run(context, &arguments).await,
            Self::Invite(arguments) => invite::run(context, arguments).await,
            Self::Admin(command) => command.run(context).await,
            Self::Run(arguments) => run::run(context, arguments).await,
        }
    }
}
