use std::process::ExitCode;

use anet_protocol::node_config::EnvValue;
use anet_protocol::secret::reference_name;
use anet_protocol::variable_name;
use secrecy::ExposeSecret as _;

use crate::commands::node::NodeReference;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_files;
use crate::node_secrets::NodeSecrets;
use crate::prompt;
use crate::supervisor_client::SupervisorClient;

/// Give a secret to a node
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
    /// Name of the variable, such as ANTHROPIC_API_KEY
    key: String,
    /// Write the value into .env under this very name, and leave config.json as it is
    #[arg(long)]
    only_env: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let (name, key) = (&arguments.node.name, &arguments.key);
    let usage = |error: variable_name::VariableError| Failure::usage(format!("{key}: {error}"));
    variable_name::check_name(key).map_err(|error| {
        // What follows a `=` may be the secret, typed in the wrong place.
        let (shown, _) = key.split_once('=').unwrap_or((key, ""));
        Failure::usage(format!("{shown}: {error}"))
            .hint("give the name alone; the value is asked for, or read from stdin")
    })?;
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let (project, view) = arguments.node.locate(context, supervisor.as_ref()).await?;
    let value = prompt::secret(&format!("Value of {key}"))?;
    variable_name::check_secret(value.expose_secret()).map_err(usage)?;
    let mut secrets = NodeSecrets::open(&node_directory(&project, name))?;
    let referred = secrets.config.env().into_iter().find_map(|(known, value)| match value {
        EnvValue::Reference(reference) if known == *key => Some(reference),
        _ => None,
    });
    let reference = match referred {
        _ if arguments.only_env => key.clone(),
        Some(reference) => reference,
        None => reference_name(key, &secrets.node_id()),
    };
    secrets.set(&reference, &value)?;
    if !arguments.only_env {
        secrets.config.set_env(key, Some(EnvValue::Reference(reference.clone())));
    }
    node_files::ignore_in_git(&project)?;
    secrets.save_adding()?;
    context.printer.note(&format!("{key} of {name} is kept as {reference} in {}", secrets.dot_env_path().display()))?;
    if view.is_some_and(|view| view.pid.is_some()) {
        context.printer.hint(&format!(
            "the running node has it once it was restarted: by itself where its `env-change` says so, or `anet node restart {name}`"
        ))?;
    }
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "name": name, "key": key, "reference": reference }))?;
    }
    Ok(ExitCode::SUCCESS)
}
