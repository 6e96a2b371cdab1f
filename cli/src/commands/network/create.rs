use anet_protocol::rest::CreateNetwork;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

/// Create a network that you own
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Its name, of up to 64 characters; no other network of yours has it
    name: String,
    /// A line about it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let request = CreateNetwork { name: arguments.name, description: arguments.description };
    let created = context.hub()?.create_network(&request).await?;
    context.printer.note(&format!("created {} ({})", created.network_name, created.network_id))?;
    context.printer.hint(&format!("act in it with `anet network use {}`", created.network_id))?;
    if context.printer.json {
        context.printer.document(&created)?;
    }
    Ok(ExitCode::SUCCESS)
}
