use std::process::ExitCode;

use anet_protocol::node_config::EnvValue;

use crate::commands::node::NodeReference;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_secrets::NodeSecrets;
use crate::supervisor_client::SupervisorClient;

/// Take a variable away from a node
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
    /// Name of the variable, or of a value in .env that no variable uses
    key: String,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let (name, key) = (&arguments.node.name, &arguments.key);
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let (project, view) = arguments.node.locate(context, supervisor.as_ref()).await?;
    let mut secrets = NodeSecrets::open(&node_directory(&project, name))?;
    let known = secrets.config.env().into_iter().find(|(known, _)| known == key).map(|(_, value)| value);
    secrets.config.set_env(key, None);
    let reference = match &known {
        Some(EnvValue::Reference(reference)) => reference,
        Some(EnvValue::Plain(_)) | None => key,
    };
    let users = secrets.users_of(reference);
    let was_value = users.is_empty() && secrets.unset(reference)?;
    if known.is_none() && !was_value {
        let failure = match users.first() {
            Some(user) => Failure::message(format!("{key} is used by {user} of {name}"))
                .hint(format!("take that away: `anet node env unset {name} {user}`")),
            None => Failure::message(format!("{name} has no variable {key}")),
        };
        return Err(failure.hint(format!("`anet node env ls {name}` lists what it has")));
    }
    secrets.save_removing()?;
    context.printer.note(&format!("{key} is taken away from {name}"))?;
    if !users.is_empty() {
        context.printer.note(&format!("the value {reference} stays, because {} uses it", users.join(", ")))?;
    }
    if view.is_some_and(|view| view.pid.is_some()) {
        context.printer.hint(&format!(
            "the running node has it until it was restarted: by itself where its `env-change` says so, or `anet node restart {name}`"
        ))?;
    }
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "name": name, "key": key, "value_removed": was_value }))?;
    }
    Ok(ExitCode::SUCCESS)
}
