use std::path::{Path, PathBuf};
use std::time::Duration;

use anet_protocol::control::NodeTarget;
use anet_protocol::exit_code::CommandExit;
use anet_protocol::id::{NetworkId, NodeId};
use anet_protocol::node_config::{EnvValue, MOST_CONCURRENT, NodeConfig, Runtime, validate_node_name};
use anet_protocol::rest::NodeTokenRequest;
use anet_protocol::secret::{is_secret, reference_name};
use anet_protocol::variable_name::VariableError;
use std::process::ExitCode;

use crate::context::Context;
use crate::duration;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::node_files;
use crate::private_files;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemEntropy;

/// Create a node in this project
///
/// The node belongs to the directory it is created in and keeps its files in .anet/nodes/NAME there.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Name of the node, by which others send to it
    name: String,
    /// What does the tasks: command runs a program per task, with the task on its stdin
    #[arg(long, default_value = "command", value_parser = parse_runtime)]
    runtime: Runtime,
    /// Variable for the program; KEY alone takes the value from this shell's environment, where other users do not
    /// see it. A secret goes into the node's .env, not into config.json
    #[arg(long = "env", value_name = "KEY[=VALUE]", value_parser = parse_variable)]
    env: Vec<(String, Option<String>)>,
    /// Kill a task that takes longer, such as 10m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// How many tasks it may do at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CONCURRENT)))]
    max_concurrent: u32,
    /// The program and its arguments, after `--`; ./paths are relative to this directory
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

/// What a node is made from.
pub(crate) struct NewNode {
    pub name: String,
    pub env: Vec<(String, String)>,
    pub timeout: Option<Duration>,
    pub max_concurrent: u32,
    pub program: Vec<String>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    if arguments.program.is_empty() {
        return Err(Failure::usage("the command runtime needs a program")
            .hint(format!("name it after `--`: anet node create {} -- ./program", arguments.name)));
    }
    let project = context.environment.directory.clone();
    private_files::secure_home(context)?;
    private_files::secure_nodes(context, &project)?;
    let new = NewNode {
        name: arguments.name,
        env: arguments.env.into_iter().map(|variable| complete(context, variable)).collect::<Result<_, _>>()?,
        timeout: arguments.timeout,
        max_concurrent: arguments.max_concurrent,
        program: arguments.program,
    };
    let created = create(context, &project, &new).await?;
    let directory = node_directory(&project, &new.name);
    context.printer.note(&format!("created {} in {}", new.name, directory.display()))?;
    if !created.secret_names.is_empty() {
        let names = created.secret_names.join(", ");
        context.printer.note(&format!("kept in {}: {names}", directory.join(".env").display()))?;
    }
    context
        .printer
        .note(&format!("its tasks run `{}` as you, on this machine, with your rights", new.program.join(" ")))?;
    context.printer.hint(&format!("start it with `anet node start {}`", new.name))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({
            "name": new.name, "node_id": created.node_id, "network_id": created.network_id,
            "runtime": Runtime::Command.name(), "project": project, "directory": directory,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A node that was created.
pub(crate) struct Created {
    pub node_id: NodeId,
    pub network_id: NetworkId,
    /// The names under which its secrets stand in `.env`.
    pub secret_names: Vec<String>,
}

/// Creates a node: everything that can be refused is asked first, the files are written last.
pub(crate) async fn create(context: &Context, project: &Path, new: &NewNode) -> Result<Created, Failure> {
    validate_node_name(&new.name).map_err(|error| Failure { exit: CommandExit::Usage, ..Failure::failed(error) })?;
    refuse_duplicate(project, &new.name)?;
    refuse_broken_secrets(&new.env)?;
    let network_id = network(context).await?;
    let node_id = NodeId::random(&SystemEntropy);
    let request = NodeTokenRequest {
        network_id: network_id.clone(),
        node_name: new.name.clone(),
        node_id: Some(node_id.clone()),
        label: None,
    };
    // The directory comes first: where nothing can be written the hub must not learn of the node.
    files::create_private_directory(&node_directory(project, &new.name))?;
    let token = match context.hub()?.node_token(&request).await {
        Ok(token) => token,
        Err(failure) => {
            std::fs::remove_dir(node_directory(project, &new.name))?;
            return Err(failure);
        }
    };
    let mut config = NodeConfig::new(&new.name, node_id.as_str(), Runtime::Command);
    if let Some(hub) = context.hub_flag.as_ref().or(context.environment.hub.as_ref()) {
        config.set_hub(Some(hub));
    }
    config.set_token(Some(&token.token.into()));
    config.set_network_id(Some(network_id.as_str()));
    config.set_command(&new.program);
    config.set_timeout_seconds(new.timeout.map(|timeout| timeout.as_secs()));
    config.set_max_concurrent(new.max_concurrent);
    let mut secrets = Vec::new();
    for (key, value) in &new.env {
        if is_secret(key, value) {
            let reference = reference_name(key, node_id.as_str());
            config.set_env(key, Some(EnvValue::Reference(reference.clone())));
            secrets.push((reference, value.clone()));
        } else {
            config.set_env(key, Some(EnvValue::Plain(value.clone())));
        }
    }
    node_files::create(project, &new.name, &config, &secrets)?;
    // Known to a running supervisor from now on, so that it is found from any directory.
    if let Some(supervisor) = SupervisorClient::connect(&context.environment).await? {
        supervisor.register_node(&new.name, &NodeTarget { project: Some(project.to_path_buf()) }).await?;
    }
    Ok(Created { node_id, network_id, secret_names: secrets.into_iter().map(|(name, _)| name).collect() })
}

/// A key that was copied with its line break would be refused by its vendor, long after.
fn refuse_broken_secrets(env: &[(String, String)]) -> Result<(), Failure> {
    let is_broken = |(key, value): &&(String, String)| is_secret(key, value) && value.contains(['\r', '\n', '\0']);
    match env.iter().find(is_broken) {
        Some((key, _)) => Err(Failure::usage(format!("{key}: {}", VariableError::Control))),
        None => Ok(()),
    }
}

fn refuse_duplicate(project: &Path, name: &str) -> Result<(), Failure> {
    let directory: PathBuf = node_directory(project, name);
    if directory.exists() {
        return Err(Failure::message(format!("there is already a node {name} in {}", project.display()))
            .hint(format!("delete it first with `anet node delete {name} --force`, or choose another name")));
    }
    Ok(())
}

/// The network to create the node in: the chosen one, or the only one.
async fn network(context: &Context) -> Result<NetworkId, Failure> {
    if let Some(network) = context.network().await? {
        return Ok(network);
    }
    let me = context.hub()?.me().await?;
    match me.networks.as_slice() {
        [only] => Ok(only.network_id.clone()),
        [] => Err(Failure::message("you are in no network")),
        _ => Err(Failure::message("you are in several networks").hint("name one with `--network ID`")),
    }
}

fn parse_runtime(word: &str) -> Result<Runtime, String> {
    match word {
        "command" => Ok(Runtime::Command),
        _ => Err("this version has the runtime `command`".to_owned()),
    }
}

/// Looks up the value of a variable that was given by name alone.
fn complete(context: &Context, (key, value): (String, Option<String>)) -> Result<(String, String), Failure> {
    let from_shell = || context.environment.all.iter().find(|(name, _)| *name == *key)?.1.to_str().map(str::to_owned);
    match value.or_else(from_shell) {
        Some(value) => Ok((key, value)),
        None => Err(Failure::usage(format!("{key} is not set in this shell"))
            .hint(format!("read it in with `read -rs {key}; export {key}`, or give --env {key}=VALUE"))),
    }
}

fn parse_variable(text: &str) -> Result<(String, Option<String>), String> {
    let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value.to_owned())));
    let is_name = !key.is_empty()
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name || key.starts_with("ANET_") || key.starts_with("COMMHUB_") {
        return Err("a name has letters, digits and `_`, and does not begin with ANET_ or COMMHUB_".to_owned());
    }
    Ok((key.to_owned(), value))
}
