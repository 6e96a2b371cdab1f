pub(crate) mod create;
mod delete;
mod env;
mod fleet;
mod hub_info;
pub(crate) mod info;
pub(crate) mod logs;
mod ls;
mod migrate_token_to_envref;
mod rename;
mod restart;
mod run;
pub(crate) mod start;
pub(crate) mod stop;
mod unwatched;
pub(crate) mod words;

use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::control::{NodeTarget, NodeView};
use anet_supervisor::Recorded;
use clap::Subcommand;

use crate::context::Context;
use crate::duration;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::supervisor_client::SupervisorClient;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a node in this project
    Create(create::Arguments),
    /// Start a node; returns when it is ready and the hub sees it
    Start(start::Arguments),
    /// Stop a node; returns when all its processes are gone
    Stop(stop::Arguments),
    /// Stop and start a node
    Restart(restart::Arguments),
    /// List the nodes of this machine
    #[command(visible_alias = "list")]
    Ls(ls::Arguments),
    /// Show all that is known of a node
    Info(info::Arguments),
    /// Show a node's log
    Logs(logs::Arguments),
    /// Give a node another name, here and at the hub; its id and its token stay
    Rename(rename::Arguments),
    /// Stop a node, remove it from the hub and delete its files
    Delete(delete::Arguments),
    /// List, set and take away the variables of a node
    #[command(subcommand)]
    Env(env::Command),
    /// Move secrets from config.json into .env
    MigrateTokenToEnvref(migrate_token_to_envref::Arguments),
    /// Be a node, in the foreground; the supervisor uses this
    Run(run::Arguments),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Create(arguments) => create::run(context, arguments).await,
            Self::Start(arguments) => start::run(context, &arguments).await,
            Self::Stop(arguments) => stop::run(context, &arguments).await,
            Self::Restart(arguments) => restart::run(context, &arguments).await,
            Self::Ls(arguments) => ls::run(context, &arguments).await,
            Self::Info(arguments) => info::run(context, &arguments).await,
            Self::Logs(arguments) => logs::run(context, arguments).await,
            Self::Rename(arguments) => rename::run(context, &arguments).await,
            Self::Delete(arguments) => delete::run(context, &arguments).await,
            Self::Env(command) => command.run(context).await,
            Self::MigrateTokenToEnvref(arguments) => migrate_token_to_envref::run(context, &arguments).await,
            Self::Run(arguments) => run::run(context, &arguments).await,
        }
    }
}

/// One node, or every node of this machine.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeSelection {
    /// Name of the node
    #[arg(required_unless_present = "all")]
    name: Option<String>,
    /// Project directory of the node [default: this one or one above it, then wherever the supervisor knows it]
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "all")]
    project: Option<PathBuf>,
    /// Every node that the supervisor of this machine knows
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

impl NodeSelection {
    /// The one node that is meant; `None` for all.
    fn one(&self) -> Option<NodeReference> {
        self.name.clone().map(|name| NodeReference { name, project: self.project.clone() })
    }
}

/// How long to wait for the outcome.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Patience {
    /// How long to wait until it is proven done; after that the command fails and what was begun goes on
    /// [default: the policy's ready-timeout for a start, and as long as it takes for a stop]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
}

/// Which node is meant: its name, and its project where the name alone does not say.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeReference {
    /// Name of the node
    pub name: String,
    /// Project directory of the node [default: this one or one above it, then wherever the supervisor knows it]
    #[arg(long, value_name = "DIRECTORY")]
    pub project: Option<PathBuf>,
}

impl NodeReference {
    /// The reference as the supervisor wants it, with an absolute project.
    pub(crate) fn target(&self, context: &Context) -> NodeTarget {
        let here = &context.environment.directory;
        let project = match &self.project {
            Some(project) => Some(std::fs::canonicalize(here.join(project)).unwrap_or_else(|_| here.join(project))),
            // Another user's nodes are not in this user's projects.
            None if context.environment.supervisor.is_some() => None,
            None => node_files::find_project(here, &self.name),
        };
        NodeTarget { project }
    }

    /// Whether it means this one of what the last supervisor has on record.
    pub(super) fn is_meant_by(&self, context: &Context, one: &Recorded) -> bool {
        let Some(project) = &one.project else { return false };
        one.name == self.name && self.target(context).project.is_none_or(|wanted| wanted == *project)
    }

    /// The one project that is meant, and what the supervisor knows of the node there.
    ///
    /// # Errors
    /// When no node has the name, or nodes of several projects have it.
    pub(crate) async fn locate(
        &self,
        context: &Context,
        supervisor: Option<&SupervisorClient>,
    ) -> Result<(PathBuf, Option<NodeView>), Failure> {
        let name = &self.name;
        let mut known = match supervisor {
            Some(client) => client.nodes().await?.nodes,
            None => unwatched::on_record(context)?,
        };
        known.retain(|node| node.name == *name);
        if let Some(project) = self.target(context).project {
            let view = known.into_iter().find(|node| node.project == project);
            return Ok((project, view));
        }
        if known.len() > 1 {
            let projects: Vec<_> = known.iter().map(|node| node.project.display().to_string()).collect();
            return Err(Failure::message(format!("several projects have a node {name}: {}", projects.join(", ")))
                .hint(format!("name one with --project {}", projects[0])));
        }
        let view = known.pop().ok_or_else(|| {
            Failure::no_such_node(format!("no node is named {name}"))
                .hint("`anet node ls` lists the nodes of this machine")
        })?;
        Ok((view.project.clone(), Some(view)))
    }
}
