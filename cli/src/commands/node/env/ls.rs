use std::process::ExitCode;

use anet_protocol::control::{Reference, ValueSource};
use anet_protocol::node_config::EnvValue;
use anet_protocol::secret::is_secret;
use anet_supervisor::{SecretError, references};
use serde::Serialize;

use crate::commands::node::NodeReference;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::node_secrets::NodeSecrets;
use crate::supervisor_client::SupervisorClient;

/// List the variables of a node
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
}

/// A variable, without its value.
#[derive(Serialize)]
struct Variable {
    /// Absent for a value that no variable uses.
    key: Option<String>,
    /// The name under which the value stands in `.env`.
    reference: Option<String>,
    /// `.env`, `credential`, `descriptor`, `environment`, `config.json` or `missing`.
    source: &'static str,
    /// The first characters of a long plain value that is no secret, else `***`.
    masked: Option<String>,
    /// It is a secret that stands in `config.json`.
    is_exposed: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let name = &arguments.node.name;
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let (project, _) = arguments.node.locate(context, supervisor.as_ref()).await?;
    let secrets = NodeSecrets::open(&node_directory(&project, name))?;
    let sources = match &supervisor {
        // It starts the node, with an environment and credentials of its own.
        Some(client) => client.references(name, &project).await?.references,
        None => references_of(context, &secrets)?,
    };
    let variables = variables(&sources, &secrets)?;
    context.printer.either(&serde_json::json!({ "name": name, "variables": variables }), || {
        let rows = variables.iter().map(|variable| {
            let value = match (&variable.reference, &variable.masked) {
                (Some(reference), _) => format!("→ ${reference}"),
                (None, Some(masked)) => masked.clone(),
                (None, None) => String::new(),
            };
            [variable.key.clone().unwrap_or_else(|| "(not used)".to_owned()), value, variable.source.to_owned()]
        });
        context.printer.table(["NAME", "VALUE", "FROM"], rows)
    })?;
    if !context.printer.json {
        if variables.is_empty() {
            context.printer.note(&format!("{name} has no variables of its own"))?;
        }
        for variable in variables.iter().filter(|variable| variable.source == "missing") {
            let key = variable.key.as_deref().unwrap_or_default();
            context.printer.warning(&format!("{key} has no value, so {name} does not start"))?;
            context.printer.hint(&format!("anet node env set {name} {key}"))?;
        }
        if variables.iter().any(|variable| variable.is_exposed) {
            context.printer.warning("a secret stands in config.json")?;
            context.printer.hint(&format!("anet node migrate-token-to-envref {name}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a supervisor that was started from here would find the values.
fn references_of(context: &Context, secrets: &NodeSecrets) -> Result<Vec<Reference>, Failure> {
    references(&secrets.config, &secrets.dot_env_path(), &context.environment.all)
        .map_err(|SecretError { error, hint }| hint.into_iter().fold(Failure::message(error), Failure::hint))
}

fn variables(sources: &[Reference], secrets: &NodeSecrets) -> Result<Vec<Variable>, Failure> {
    let values = secrets.values()?;
    let mut variables: Vec<Variable> = Vec::new();
    for (key, value) in secrets.config.env() {
        variables.push(match value {
            EnvValue::Plain(text) => Variable {
                is_exposed: is_secret(&key, &text),
                masked: Some(mask(&key, &text)),
                key: Some(key),
                reference: None,
                source: "config.json",
            },
            EnvValue::Reference(reference) => {
                let source = sources.iter().find(|known| known.name == reference).and_then(|known| known.source);
                let source = match source {
                    Some(ValueSource::DotEnv) => ".env",
                    Some(ValueSource::Credential) => "credential",
                    Some(ValueSource::Descriptor) => "descriptor",
                    Some(ValueSource::Environment) => "environment",
                    None => "missing",
                };
                Variable { key: Some(key), reference: Some(reference), source, masked: None, is_exposed: false }
            }
        });
    }
    for (reference, _) in values.iter().filter(|(name, _)| secrets.users_of(name).is_empty()) {
        let reference = Some(reference.clone());
        variables.push(Variable { key: None, reference, source: ".env", masked: None, is_exposed: false });
    }
    Ok(variables)
}

/// Four characters of a value long enough that they give nothing away.
fn mask(key: &str, value: &str) -> String {
    if is_secret(key, value) || value.chars().count() < 12 {
        return "***".to_owned();
    }
    value.chars().take(4).chain("...".chars()).collect()
}
