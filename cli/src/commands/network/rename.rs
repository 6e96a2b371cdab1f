use anet_protocol::rest::RenameNetwork;
use std::process::ExitCode;

use super::meant;
use crate::context::Context;
use crate::failure::Outcome;
use crate::global_config::GlobalConfig;

/// Give a network another name
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The network, by name or id
    #[arg(value_name = "OLD")]
    network_name: String,
    /// The name from now on
    #[arg(value_name = "NEW")]
    new_name: String,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, Some(&arguments.network_name)).await?;
    let request = RenameNetwork { name: arguments.new_name };
    hub.rename_network(&network.network_id, &request).await?;
    let mut config = GlobalConfig::load(&context.environment)?;
    if config.network_id().as_ref() == Some(&network.network_id) {
        config.set_network(&network.network_id, &request.name);
        config.save()?;
    }
    context
        .printer
        .note(&format!("{} is named {} now ({})", network.network_name, request.name, network.network_id))?;
    if context.printer.json {
        let document = serde_json::json!({ "network_id": network.network_id, "network_name": request.name });
        context.printer.document(&document)?;
    }
    Ok(ExitCode::SUCCESS)
}
