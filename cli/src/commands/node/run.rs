mod token_source;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anet_agent_node::{Command, Requests, Settings};
use anet_protocol::exit_code::ExitCode;
use anet_protocol::id::{Alias, InstanceId, NodeId};
use anet_protocol::node_config::{EnvValue, NodeConfig, Runtime, derive_node_id};
use anet_protocol::notification::{Link, Notification};
use anet_protocol::redaction::Redactor;
use anet_supervisor::SecretError;
use secrecy::SecretString;

use crate::context::Context;
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::log_file;
use crate::node_files;
use crate::notify::Notifier;
use crate::signals;
use crate::system::{SystemClock, SystemEntropy};
use token_source::TokenSource;

/// Be a node, in the foreground
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The node's directory, PROJECT/.anet/nodes/NAME
    #[arg(long)]
    directory: PathBuf,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let environment = &context.environment;
    let directory = environment.directory.join(&arguments.directory);
    let notifier = Arc::new(Notifier::new(environment.notify_socket.clone())?);
    let prepared = prepare(context, &directory);
    let (settings, token) = match prepared {
        Ok(prepared) => prepared,
        Err((code, failure)) => {
            notifier.send(&Notification { error: Some(format!("{:#}", failure.error)), ..Notification::default() });
            context.printer.failure(&failure)?;
            return Ok(exit(code));
        }
    };
    let requests = Requests { stop: signals::stop_token()?, claiming: signals::claim_requests()? };
    let (source, token) = TokenSource::new(&directory, token, Arc::clone(&notifier))?;
    let refused = source.refused();
    let last_error = Arc::new(Mutex::new(None));
    let said = Arc::clone(&last_error);
    let notify = move |notification: &Notification| {
        if let Some(error) = &notification.error {
            said.lock().unwrap_or_else(PoisonError::into_inner).replace(error.clone());
        }
        if let Some(link) = notification.link {
            refused.send_if_modified(|known| std::mem::replace(known, link == Link::Unauthorized) != *known);
        }
        notifier.send(notification);
    };
    let following = tokio::spawn(source.follow());
    let code = anet_agent_node::run(
        settings,
        token,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(notify),
        requests,
    )
    .await;
    following.abort();
    tracing::info!("stopped: {}", code.meaning());
    let error = last_error.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(error) = error.filter(|_| code != ExitCode::Stopped) {
        context.printer.failure(&Failure::message(format!("{}: {error}", code.meaning())))?;
    }
    Ok(exit(code))
}

fn exit(code: ExitCode) -> std::process::ExitCode {
    std::process::ExitCode::from(code.code())
}

/// Reads everything a node has to know, or says with which exit code it cannot begin.
fn prepare(context: &Context, directory: &Path) -> Result<(Settings, SecretString), (ExitCode, Failure)> {
    let invalid = |failure: Failure| (ExitCode::ConfigInvalid, failure);
    let environment = &context.environment;
    let config = node_files::read_config(directory).map_err(invalid)?;
    let agent_environment = agent_environment(environment, directory, &config)?;
    let token = config.token().ok_or_else(|| {
        let text = format!("{} has no token", directory.join("config.json").display());
        (ExitCode::CredentialMissing, Failure::message(text).hint("create the node again with `anet node create`"))
    })?;
    let secrets = config.env().into_iter().filter(|(_, value)| matches!(value, EnvValue::Reference(_)));
    let secrets = secrets.filter_map(|(key, _)| {
        let value = agent_environment.iter().find(|(name, _)| *name == key);
        value.map(|(_, value)| SecretString::from(value.as_str()))
    });
    let secrets: Vec<SecretString> = secrets.collect();
    let redactor = Redactor::new(secrets.iter().cloned().chain([token.clone()]));
    log_file::start_logging(directory.join("logs/node.log"), redactor, &environment.log)
        .map_err(|error| (ExitCode::Fault, Failure::failed(error)))?;
    let settings = settings(context, directory, &config, agent_environment, secrets).map_err(invalid)?;
    Ok((settings, token))
}

fn settings(
    context: &Context,
    directory: &Path,
    config: &NodeConfig,
    agent_environment: Vec<(String, String)>,
    agent_secrets: Vec<SecretString>,
) -> Result<Settings, Failure> {
    let environment = &context.environment;
    let project_dir = directory
        .ancestors()
        .nth(3)
        .ok_or_else(|| Failure::message(format!("{} is not PROJECT/.anet/nodes/NAME", directory.display())))?;
    let directory_name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let alias = config.alias().unwrap_or(&directory_name);
    let node_id = config.node_id().map_or_else(|| derive_node_id(&directory_name), str::to_owned);
    let runtime = config.runtime().unwrap_or(Runtime::Command);
    let argv = config.command().filter(|argv| runtime == Runtime::Command && !argv.is_empty());
    let argv = argv.ok_or_else(|| {
        Failure::message(match runtime {
            Runtime::Command => format!("{} names no `command`", directory.join("config.json").display()),
            other => format!("this version cannot run the runtime {}", other.name()),
        })
    })?;
    let instance_id = environment.instance_id.as_deref().map(InstanceId::from);
    Ok(Settings {
        hub: config.hub().map_or_else(|| context.hub_url(), |hub| Ok(hub.to_owned()))?,
        alias: Alias::from(alias),
        node_id: NodeId::from(node_id),
        instance_id: instance_id.unwrap_or_else(|| InstanceId::random(&SystemEntropy)),
        runtime: Command { argv, timeout: config.timeout_seconds().filter(|s| *s > 0).map(Duration::from_secs) },
        model: config.model().map(str::to_owned),
        max_concurrent: config.max_concurrent(),
        project_dir: project_dir.to_path_buf(),
        state_dir: directory.join("work"),
        artifacts_dir: directory.join("artifacts"),
        socket_dir: environment.home.join("run/tasks"),
        program_dir: std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_path_buf)),
        hostname: nix::unistd::gethostname()?.to_string_lossy().into_owned(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        agent_environment,
        agent_secrets,
        timing: anet_agent_node::Timing::default(),
    })
}

/// What the agents get: the variables every program expects, and those of the node's configuration.
///
/// The supervisor has put the configured ones into this process's environment. A node that is run by hand finds them
/// where the supervisor would: `.env`, the credentials of a service manager, the shell.
fn agent_environment(
    environment: &Environment,
    directory: &Path,
    config: &NodeConfig,
) -> Result<Vec<(String, String)>, (ExitCode, Failure)> {
    const PASSED_ON: [&str; 10] =
        ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];
    let by_hand;
    let all = if environment.is_started_by_a_supervisor() {
        &environment.all
    } else {
        by_hand = anet_supervisor::node_environment(config, &directory.join(".env"), &environment.all).map_err(
            |SecretError { error, hint }| {
                let failure = Failure::message(error);
                (ExitCode::CredentialMissing, hint.into_iter().fold(failure, Failure::hint))
            },
        )?;
        &by_hand
    };
    let lookup = |name: &str| {
        let found = all.iter().find(|(key, _)| key == name)?;
        found.1.clone().into_string().ok().filter(|value| !value.is_empty())
    };
    let mut variables: Vec<(String, String)> =
        PASSED_ON.iter().filter_map(|name| lookup(name).map(|value| ((*name).to_owned(), value))).collect();
    for (key, value) in config.env() {
        let value = match value {
            EnvValue::Plain(value) => lookup(&key).unwrap_or(value),
            EnvValue::Reference(reference) => lookup(&key).ok_or_else(|| {
                let text = format!("{key} refers to {reference}, which has no value");
                let hint = format!("put {reference}=… into the node's .env");
                (ExitCode::CredentialMissing, Failure::message(text).hint(hint))
            })?,
        };
        variables.retain(|(name, _)| *name != key);
        variables.push((key, value));
    }
    Ok(variables)
}
