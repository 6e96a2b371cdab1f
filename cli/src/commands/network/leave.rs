use std::process::ExitCode;

use super::{leave_behind, meant};
use crate::context::Context;
use crate::failure::Outcome;

/// Take yourself out of a network; the tokens of your nodes and keys in it are dead at once
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The network, by name or id [default: the current one]
    #[arg(value_name = "NAME|ID")]
    network_name: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, arguments.network_name.as_deref()).await?;
    let left = hub.leave_network(&network.network_id).await?;
    context.printer.note(&format!("left {}, {} token(s) revoked", network.network_name, left.tokens_revoked))?;
    leave_behind(context, &hub, &network.network_id).await?;
    if context.printer.json {
        context.printer.document(&left)?;
    }
    Ok(ExitCode::SUCCESS)
}
