//! All nodes and programs of the project here, in one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::NodeTarget;
use clap::Subcommand;
use futures_util::future::join_all;
use serde::Serialize;

use super::node::start::start_with;
use super::node::words;
use crate::commands::supervisor::take_over::require_or_take_over;
use crate::context::Context;
use crate::duration;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::supervisor_client::SupervisorClient;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start every node and program of this project; those that run already are left as they are
    Up(Arguments),
    /// Stop every node and program of this project
    Down(Arguments),
    /// Restart every node and program of this project, and start those that do not run
    Restart(Arguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only these
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// All but these
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "only")]
    exclude: Vec<String>,
    /// How long to wait between the beginnings of two starts
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration::parse)]
    stagger: Duration,
    /// How long each may take [default: the policy's ready-timeout for a start, and as long as it takes for a stop]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Project directory [default: this one, or the first above it that has nodes or programs]
    #[arg(long, value_name = "DIRECTORY")]
    project: Option<PathBuf>,
}

/// What is done with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Up,
    Down,
    Restart,
}

/// What came of it, by name.
#[derive(Debug, Serialize)]
struct Report {
    project: PathBuf,
    done: Vec<String>,
    /// Their configuration cannot be used, so they were not touched.
    invalid: Vec<String>,
    failed: Vec<String>,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Up(arguments) => run(context, Verb::Up, &arguments).await,
            Self::Down(arguments) => run(context, Verb::Down, &arguments).await,
            Self::Restart(arguments) => run(context, Verb::Restart, &arguments).await,
        }
    }
}

async fn run(context: &Context, verb: Verb, arguments: &Arguments) -> Outcome {
    let project = project(context, arguments)?;
    let names = names(&project, arguments)?;
    let supervisor = match verb {
        Verb::Up | Verb::Restart => SupervisorClient::ensure(&context.environment).await?,
        Verb::Down => {
            require_or_take_over(context, |one| one.project.as_ref().is_some_and(|theirs| *theirs == project)).await?
        }
    };
    let supervisor = supervisor.waiting(arguments.wait);
    let mut report = Report { project: project.clone(), done: Vec::new(), invalid: Vec::new(), failed: Vec::new() };
    let mut usable = Vec::new();
    for name in names {
        // What cannot be started can be stopped all the same.
        match node_files::read_config(&node_directory(&project, &name)) {
            Err(failure) if verb != Verb::Down => {
                context.printer.warning(&format!("{name}: {:#}", failure.error))?;
                report.invalid.push(name);
            }
            _ => usable.push(name),
        }
    }
    let target = NodeTarget { project: Some(project) };
    let outcomes = join_all(usable.iter().zip(0_u32..).map(async |(name, place)| {
        tokio::time::sleep(arguments.stagger * place).await;
        act(context, &supervisor, verb, name, &target).await
    }));
    let done = if verb == Verb::Down { "is stopped" } else { "is running" };
    let outcomes = outcomes.await;
    // A program that does not say when it is ready may have failed since it was executed.
    let now = if verb == Verb::Down { Vec::new() } else { supervisor.nodes().await?.nodes };
    for (name, outcome) in usable.iter().zip(outcomes) {
        let node = now.iter().find(|node| node.name == *name && Some(&node.project) == target.project.as_ref());
        let trouble =
            node.filter(|node| node.pid.is_none()).and_then(|node| words::trouble(&node.state, &node.process));
        match outcome.and_then(|()| trouble.map_or(Ok(()), |trouble| Err(Failure::message(trouble)))) {
            Ok(()) => {
                context.printer.note(&format!("{name} {done}"))?;
                report.done.push(name.clone());
            }
            Err(failure) => {
                context.printer.failure(&failure.context(name.clone()))?;
                report.failed.push(name.clone());
            }
        }
    }
    let (done, invalid, failed) = (report.done.len(), report.invalid.len(), report.failed.len());
    let word = if verb == Verb::Down { "down" } else { "up" };
    context.printer.note(&format!("{done}/{} {word} · {invalid} invalid · {failed} failed", done + failed))?;
    if context.printer.json {
        context.printer.document(&report)?;
    }
    Ok(if invalid + failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn act(
    context: &Context,
    supervisor: &SupervisorClient,
    verb: Verb,
    name: &str,
    target: &NodeTarget,
) -> Result<(), Failure> {
    match verb {
        Verb::Up => start_with(context, supervisor, name, target).await.map(drop),
        Verb::Restart => {
            supervisor.restart_node(name, target).await?;
            start_with(context, supervisor, name, target).await.map(drop)
        }
        Verb::Down => match supervisor.stop_node(name, target).await {
            // It was never started, so nothing of it runs.
            Err(failure) if failure.code.as_deref() == Some("node_not_found") => Ok(()),
            outcome => outcome.map(drop),
        },
    }
}

/// The project that is meant.
fn project(context: &Context, arguments: &Arguments) -> Result<PathBuf, Failure> {
    let here = &context.environment.directory;
    if let Some(project) = &arguments.project {
        let project = here.join(project);
        return std::fs::canonicalize(&project)
            .map_err(|error| Failure::failed(error).context(format!("cannot find {}", project.display())));
    }
    let has_any = |project: &&Path| ["nodes", "programs"].iter().any(|kind| project.join(".anet").join(kind).is_dir());
    here.ancestors().find(has_any).map(Path::to_path_buf).ok_or_else(|| {
        Failure::message(format!("neither {} nor a directory above it has nodes or programs", here.display()))
            .hint("create a node with `anet node create NAME -- PROGRAM`")
    })
}

/// The names that are meant, sorted.
fn names(project: &Path, arguments: &Arguments) -> Result<Vec<String>, Failure> {
    let mut names = node_files::names(project)?;
    names.extend(node_files::program_names(project)?);
    names.sort_unstable();
    names.dedup();
    if let Some(unknown) = arguments.only.iter().chain(&arguments.exclude).find(|name| !names.contains(name)) {
        return Err(Failure::no_such_node(format!("there is no node or program {unknown} in {}", project.display()))
            .hint(format!("there are: {}", names.join(", "))));
    }
    names.retain(|name| arguments.only.is_empty() || arguments.only.contains(name));
    names.retain(|name| !arguments.exclude.contains(name));
    Ok(names)
}
