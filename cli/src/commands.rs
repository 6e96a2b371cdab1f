//! The command tree. Each command is one file: its arguments, whose doc comments are the help, and one function.

mod apply;
mod audit;
mod cancel;
mod completions;
pub(crate) mod demo;
mod doctor;
mod events;
pub(crate) mod hub;
mod import;
mod init;
mod login;
mod logout;
mod man;
mod network;
pub(crate) mod node;
mod passwd;
mod project;
mod recover;
mod recovery_key;
mod register;
mod run;
mod send;
mod service;
mod session;
mod status;
pub(crate) mod supervisor;
mod task;
mod tasks;
mod token;
mod whoami;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use secrecy::SecretString;

use crate::context::Context;
use crate::environment::Environment;
use crate::failure::Outcome;
use crate::printer::Printer;

/// Run networks of AI agents on machines you own
#[derive(Debug, Parser)]
#[command(name = "anet", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Hub to talk to [default: COMMHUB_URL, then ~/.anet/config.json]
    #[arg(long, global = true, help_heading = "Global options", value_name = "URL")]
    hub: Option<String>,
    /// Token to talk with; other users of this machine see it, so prefer COMMHUB_TOKEN or `anet login`
    #[arg(long, global = true, help_heading = "Global options", value_name = "TOKEN")]
    token: Option<SecretString>,
    /// Network to act in [default: the one of `anet network use`]
    #[arg(long, global = true, help_heading = "Global options", value_name = "NAME|ID")]
    network: Option<String>,
    /// Another user's supervisor, by its operators' socket, whose group you must be in [default: ANET_SUPERVISOR, then your own]
    #[arg(long, global = true, help_heading = "Global options", value_name = "SOCKET")]
    supervisor: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the main job in a minute: two agents share a task, one is killed, nothing is lost
    Demo(demo::Arguments),
    /// Start, stop and look after the hub
    #[command(subcommand)]
    Hub(hub::Command),
    /// Create, start, stop and watch agent nodes
    #[command(subcommand)]
    Node(node::Command),
    /// Start, stop and restart all nodes and programs of a project
    #[command(subcommand)]
    Project(project::Command),
    /// Show the log of a node or program; the same as `anet node logs`
    Logs(node::logs::Arguments),
    Run(run::Arguments),
    Import(import::Arguments),
    /// Show all that is known of a node
    Info(node::info::Arguments),
    /// Show what happened to hub and nodes: every start, end and change of state, with its reason
    Events(events::Arguments),
    /// Send a task to an agent
    Send(send::Arguments),
    /// List tasks, newest first
    Tasks(tasks::Arguments),
    /// Show one task and what happened to it
    Task(task::Arguments),
    /// Call a task off
    Cancel(cancel::Arguments),
    /// Show what is going on in the network
    Status,
    /// Choose the hub that commands talk to
    ///
    /// Asks for the address unless --hub gives it. With --token the login of that token is checked and saved too. The
    /// login at another hub is forgotten here: a token is for the hub that gave it.
    Init,
    /// Log in at a hub
    Login(login::Arguments),
    /// End the login of this machine
    Logout(logout::Arguments),
    /// Create an account at a hub
    Register(register::Arguments),
    /// Show who is logged in, and in which networks
    Whoami,
    /// Change your password
    Passwd(passwd::Arguments),
    /// Make a key for the day on which the password is forgotten
    #[command(subcommand)]
    RecoveryKey(recovery_key::Command),
    /// Set a new password with a recovery key
    Recover(recover::Arguments),
    /// List and end your logins
    Session(session::Arguments),
    /// List, make and revoke API keys
    Token(token::Arguments),
    /// Create, choose and share networks of agents
    Network(network::Arguments),
    /// Show the audit log: who did what
    Audit(audit::Arguments),
    /// Look after the supervisor, which keeps hub and nodes alive
    #[command(subcommand)]
    Supervisor(supervisor::Command),
    Doctor(doctor::Arguments),
    /// Let systemd or launchd keep the supervisor alive, from boot on
    #[command(subcommand)]
    Service(service::Command),
    /// Make edited settings true: says what that restarts, and restarts nothing else
    ///
    /// Compares every running node with its configuration, its .env and ~/.anet/supervisor.toml as they are now.
    Apply(apply::Arguments),
    /// Print the completions of a shell
    Completions(completions::Arguments),
    /// Write the manual pages into a directory
    Man(man::Arguments),
}

impl Arguments {
    /// What the commands are given.
    pub(crate) fn context(&self, mut environment: Environment) -> Context {
        if let Some(socket) = &self.supervisor {
            environment.supervisor = Some(environment.directory.join(socket));
        }
        let printer = Printer::new(self.json, environment.columns);
        Context {
            environment,
            printer,
            hub_flag: self.hub.clone(),
            token_flag: self.token.clone(),
            network_flag: self.network.clone(),
        }
    }

    /// Whether this process is a hub: the one role that wants every core.
    pub(crate) const fn is_hub(&self) -> bool {
        matches!(self.command, Command::Hub(hub::Command::Run(_)))
    }

    /// Whether this process is a supervisor.
    pub(crate) const fn is_supervisor(&self) -> bool {
        matches!(self.command, Command::Supervisor(supervisor::Command::Run(_)))
    }

    /// Does what was asked.
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self.command {
            Command::Demo(arguments) => demo::run(context, arguments).await,
            Command::Hub(command) => command.run(context).await,
            Command::Node(command) => command.run(context).await,
            Command::Project(command) => command.run(context).await,
            Command::Logs(arguments) => node::logs::run(context, arguments).await,
            Command::Run(arguments) => run::run(context, arguments).await,
            Command::Import(arguments) => import::run(context, &arguments),
            Command::Info(arguments) => node::info::run(context, &arguments).await,
            Command::Events(arguments) => events::run(context, arguments).await,
            Command::Send(arguments) => send::run(context, arguments).await,
            Command::Tasks(arguments) => tasks::run(context, arguments).await,
            Command::Task(arguments) => task::run(context, arguments).await,
            Command::Cancel(arguments) => cancel::run(context, arguments).await,
            Command::Status => status::run(context).await,
            Command::Init => init::run(context).await,
            Command::Login(arguments) => login::run(context, arguments).await,
            Command::Logout(arguments) => logout::run(context, &arguments).await,
            Command::Register(arguments) => register::run(context, arguments).await,
            Command::Whoami => whoami::run(context).await,
            Command::Passwd(arguments) => passwd::run(context, arguments).await,
            Command::RecoveryKey(command) => command.run(context).await,
            Command::Recover(arguments) => recover::run(context, arguments).await,
            Command::Session(arguments) => session::run(context, arguments).await,
            Command::Token(arguments) => token::run(context, arguments).await,
            Command::Network(arguments) => network::run(context, arguments).await,
            Command::Audit(arguments) => audit::run(context, arguments).await,
            Command::Supervisor(command) => command.run(context).await,
            Command::Doctor(arguments) => doctor::run(context, arguments).await,
            Command::Service(command) => command.run(context).await,
            Command::Apply(arguments) => apply::run(context, &arguments).await,
            Command::Completions(arguments) => completions::run(context, &arguments),
            Command::Man(arguments) => man::run(context, &arguments),
        }
    }
}

/// Reads an id; what cannot be one does not become a part of an address.
fn parse_id<T: for<'a> From<&'a str>>(text: &str) -> Result<T, String> {
    let is_id =
        (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_id { Ok(T::from(text)) } else { Err("an id has letters, digits, `-` and `_`".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_tree_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
