use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::Clock as _;
use anet_protocol::control::{NodeTarget, NodeView, ProcessState};
use anet_protocol::node_config::EnvValue;
use anet_protocol::secret::{is_secret, reference_name};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::node_files;
use crate::node_secrets::NodeSecrets;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemClock;

/// How long a running node may take until it has no task in hand, before it is left to be restarted by a person.
const IDLE: Duration = Duration::from_secs(60);

/// Move secrets from config.json into .env, and refer to them
///
/// The node starts as before: the values stand in its .env (mode 600). config.json as it was is kept beside it, as
/// config.json.bak-TIME (mode 600): delete it once all is well, for it holds the secrets. A node without plain secrets is
/// left as it is. Programs of `anet run` are treated like nodes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Name of the node
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// Project directory of the node [default: this one or one above it, then wherever the supervisor knows it]
    #[arg(long, value_name = "DIRECTORY")]
    project: Option<PathBuf>,
    /// Every node and every program of this project
    #[arg(long)]
    all: bool,
    /// Only say what would be moved
    #[arg(long)]
    dry_run: bool,
    /// Print the secrets as `export NAME='value'`, for another machine
    #[arg(long)]
    print_exports: bool,
}

/// How long a restart that the supervisor has begun may take until the node runs.
const BEGUN: Duration = Duration::from_secs(30);

/// What was moved, without the values.
#[derive(Serialize)]
struct Migrated {
    name: String,
    /// Each variable with the name under which its value stands in `.env`.
    moved: Vec<(String, String)>,
    backup: Option<PathBuf>,
    restarted: bool,
    #[serde(skip)]
    exports: Vec<String>,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let mut nodes = Vec::new();
    if let Some(name) = &arguments.name {
        let reference = super::NodeReference { name: name.clone(), project: arguments.project.clone() };
        let (project, _) = reference.locate(context, supervisor.as_ref()).await?;
        nodes.push((project, name.clone()));
    } else {
        let here = &context.environment.directory;
        let project = arguments.project.as_ref().map_or_else(|| here.clone(), |project| here.join(project));
        let names = node_files::names(&project)?.into_iter().chain(node_files::program_names(&project)?);
        nodes.extend(names.map(|name| (project.clone(), name)));
    }
    let mut all = Vec::new();
    let mut failed = Vec::new();
    for (project, name) in nodes {
        let before = node_view(supervisor.as_ref(), &project, &name).await?;
        let mut migrated = match migrate(&project, &name, arguments.dry_run) {
            Ok(migrated) => migrated,
            // The others are not kept waiting for a broken one.
            Err(failure) if arguments.all => {
                context.printer.warning(&format!("{name}: {:#}", failure.error))?;
                failed.push(name);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if !migrated.moved.is_empty() && !arguments.dry_run {
            migrated.restarted = restart(context, supervisor.as_ref(), &project, &name, before.as_ref()).await?;
        }
        tell(context, &migrated, arguments)?;
        all.push(migrated);
    }
    if context.printer.json {
        let document = serde_json::json!({ "nodes": all, "failed": failed, "dry_run": arguments.dry_run });
        context.printer.document(&document)?;
    } else if all.is_empty() && failed.is_empty() {
        context.printer.note("there are no nodes here")?;
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn migrate(project: &Path, name: &str, dry_run: bool) -> Result<Migrated, Failure> {
    let directory = node_directory(project, name);
    let mut secrets = NodeSecrets::open(&directory)?;
    let before = secrets.config.to_text();
    let (node_id, mut moved, mut exports) = (secrets.node_id(), Vec::new(), Vec::new());
    for (key, value) in secrets.config.env() {
        let EnvValue::Plain(value) = value else { continue };
        if !is_secret(&key, &value) {
            continue;
        }
        let reference = free_name(&secrets, &reference_name(&key, &node_id), &value)?;
        exports.push(format!("export {reference}='{}'", value.replace('\'', "'\\''")));
        secrets.set(&reference, &SecretString::from(value))?;
        secrets.config.set_env(&key, Some(EnvValue::Reference(reference.clone())));
        moved.push((key, reference));
    }
    let mut backup = None;
    if !moved.is_empty() && !dry_run {
        node_files::ignore_in_git(project)?;
        let path = directory.join(format!("config.json.bak-{}", SystemClock.now().as_millis()));
        files::write_private(&path, &before)?;
        secrets.save_adding()?;
        backup = Some(path);
    }
    Ok(Migrated { name: name.to_owned(), moved, backup, restarted: false, exports })
}

/// The name, unless another variable has another value under it already.
fn free_name(secrets: &NodeSecrets, name: &str, value: &str) -> Result<String, Failure> {
    let values = secrets.values()?;
    let is_free = |candidate: &str| {
        secrets.users_of(candidate).is_empty()
            || values.iter().any(|(known, held)| known == candidate && held.expose_secret() == value)
    };
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    Ok(std::iter::once(name.to_owned()).chain(numbered).find(|name| is_free(name)).unwrap_or_default())
}

/// A node as the supervisor sees it, if it does.
async fn node_view(
    supervisor: Option<&SupervisorClient>,
    project: &Path,
    name: &str,
) -> Result<Option<NodeView>, Failure> {
    let Some(client) = supervisor else { return Ok(None) };
    let nodes = client.nodes().await?.nodes;
    Ok(nodes.into_iter().find(|node| node.name == name && node.project == project))
}

/// Restarts a running node as soon as it has nothing in hand, so that it is started from the files as they are now; unless
/// the supervisor has done that already, because the node ran with other values than its files had.
async fn restart(
    context: &Context,
    supervisor: Option<&SupervisorClient>,
    project: &Path,
    name: &str,
    before: Option<&NodeView>,
) -> Result<bool, Failure> {
    let Some(client) = supervisor else { return Ok(false) };
    let target = NodeTarget { project: Some(project.to_path_buf()) };
    let starts = before.map(|node| node.incarnation);
    let until_idle = async {
        loop {
            match node_view(supervisor, project, name).await?.filter(|node| node.pid.is_some()) {
                None => return Ok::<_, Failure>(Idle::NotRunning),
                Some(node) if starts.is_some_and(|starts| node.incarnation > starts) => return Ok(Idle::Restarted),
                Some(node) if node.work.as_ref().is_none_or(|work| work.value == 0) => return Ok(Idle::Yes),
                Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    };
    let Ok(idle) = tokio::time::timeout(IDLE, until_idle).await else {
        context.printer.warning(&format!("{name} is at work, so it was not restarted"))?;
        context.printer.hint(&format!("nothing is lost if that waits: `anet node restart {name}`"))?;
        return Ok(false);
    };
    match idle? {
        Idle::NotRunning => Ok(false),
        Idle::Restarted => Ok(true),
        Idle::Yes => match client.restart_node(name, &target).await {
            Ok(_) => Ok(true),
            Err(failure) => {
                // The supervisor may have begun the same restart by itself; then this one came too late.
                let is_again = async { wait_for_start(supervisor, project, name, starts).await };
                if tokio::time::timeout(BEGUN, is_again).await.is_ok_and(|up| up.is_ok()) {
                    Ok(true)
                } else {
                    Err(failure)
                }
            }
        },
    }
}

/// Returns when the node runs by a later start than that of number `starts`.
async fn wait_for_start(
    supervisor: Option<&SupervisorClient>,
    project: &Path,
    name: &str,
    starts: Option<u64>,
) -> Result<(), Failure> {
    loop {
        let view = node_view(supervisor, project, name).await?;
        let is_later =
            |view: &NodeView| matches!(view.process, ProcessState::Running { .. }) && Some(view.incarnation) > starts;
        if view.as_ref().is_some_and(is_later) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What a wait for a node's idleness ended with.
enum Idle {
    Yes,
    /// Somebody else has restarted it meanwhile.
    Restarted,
    NotRunning,
}

fn tell(context: &Context, migrated: &Migrated, arguments: &Arguments) -> Result<(), Failure> {
    let (printer, name) = (context.printer, &migrated.name);
    if migrated.moved.is_empty() {
        printer.note(&format!("{name}: no secret stands in config.json, nothing to do"))?;
        return Ok(());
    }
    let verb = if arguments.dry_run { "would move" } else { "moved" };
    for (key, reference) in &migrated.moved {
        printer.note(&format!("{name}: {verb} {key} into .env as {reference}"))?;
    }
    if let Some(backup) = &migrated.backup {
        printer.note(&format!("{name}: config.json as it was is kept in {}", backup.display()))?;
        printer.hint("delete that file once all is well; it holds the secrets")?;
    }
    if migrated.restarted {
        printer.note(&format!("{name} is running again"))?;
    }
    if arguments.print_exports && !printer.json {
        migrated.exports.iter().try_for_each(|line| printer.data(line))?;
    }
    Ok(())
}
